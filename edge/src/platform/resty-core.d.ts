/** @noResolution @noSelf */
declare module "resty.core.base" {
  import type { CData } from "ffi";

  /** The `ngx_http_request_t *` of the running handler, for the module's own FFI functions. */
  export function get_request(): CData;
}
