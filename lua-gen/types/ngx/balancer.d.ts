/**
 * Choosing the upstream's peer. Nothing here can wait: names are resolved before, in access.
 *
 * @noResolution
 * @noSelf
 */
declare module "ngx.balancer" {
  type Done = LuaMultiReturn<[true, undefined] | [undefined, string]>;

  /**
   * A literal address, never a name; or `unix:` and a path with no port. `host` goes into SNI and the check of the
   * certificate, in nginx with OpenResty's patches.
   *
   * @phases balancer
   */
  export function set_current_peer(address: string, port?: number, host?: string): Done;
  /** How often nginx may call the balancer again after a failure; capped by `proxy_next_upstream_tries`. @phases balancer */
  export function set_more_tries(count: number): Done;
  /** Of the try before: `nil` at the first; "next" when the peer answered but not well. @phases balancer */
  export function get_last_failure(): LuaMultiReturn<
    ["failed" | "next", statusCode: number] | [undefined, undefined]
  >;
  /** In seconds; `undefined` keeps what the location says. @phases balancer */
  export function set_timeouts(connect?: number, send?: number, read?: number): Done;
  /** After the balancer changed headers or body. Not on the first try. @phases balancer */
  export function recreate_request(): Done;
  /** Where the connection comes from: an address, or `address:port`. Newer than Debian's. @phases balancer */
  export function bind_to_local_addr(address: string): Done;
  /** Whether this try speaks TLS. Newer than Debian's; needs OpenResty's nginx. @phases balancer */
  export function set_upstream_tls(on: boolean): Done;
  /**
   * A keepalive pool for this peer; must not be combined with the `keepalive` directive. Absent from the Debian
   * packages (a patched nginx is needed): compare with `undefined` before the call.
   *
   * @phases balancer
   */
  export const enable_keepalive:
    | ((this: void, idleTimeoutSeconds?: number, maxRequests?: number) => Done)
    | undefined;
}
