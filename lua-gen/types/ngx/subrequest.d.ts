/** Subrequests: no network, no second HTTP parse. `access` doesn't run in them. @noSelf */
declare namespace ngx.location {
  interface CaptureOptions {
    method?: MethodNumber;
    body?: string;
    args?: string | object;
    vars?: Record<string, string>;
    /** The subrequest's `ngx.ctx`. */
    ctx?: object;
    copy_all_vars?: boolean;
    share_all_vars?: boolean;
    always_forward_body?: boolean;
  }
  interface CaptureResult {
    readonly status: number;
    readonly header: LuaTable<string, string | string[]>;
    readonly body: string;
    /** Whether the body was cut short by an error. */
    readonly truncated: boolean;
  }

  /** Waits for the whole response, which is held in memory. @phases rewrite access content */
  function capture(uri: string, options?: CaptureOptions): CaptureResult;

  /** All at once; returns when the last has answered. @phases rewrite access content */
  function capture_multi(
    requests: readonly (readonly [uri: string, options?: CaptureOptions])[],
  ): LuaMultiReturn<CaptureResult[]>;
}
