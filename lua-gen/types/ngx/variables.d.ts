/** @noSelf */
declare namespace ngx {
  /**
   * nginx variables. Reading one that this request doesn't have gives `undefined`; writing one that `set` or `map`
   * doesn't define throws. Each read allocates from the request's pool and costs a hash lookup: read once, pass on.
   */
  interface Variables {
    [name: string]: string | undefined;
    readonly remote_addr: string;
    readonly binary_remote_addr: string;
    readonly remote_port: string;
    readonly server_addr: string;
    readonly server_port: string;
    readonly server_name: string;
    readonly server_protocol: string;
    readonly request_method: string;
    /** With the query string, as the client sent it. */
    readonly request_uri: string;
    /** Decoded and normalized, without the query string; `ngx.req.set_uri` changes it. */
    readonly uri: string;
    readonly scheme: "http" | "https";
    readonly host: string;
    readonly hostname: string;
    /** 32 hexadecimal digits, random for each request. */
    readonly request_id: string;
    readonly request_length: string;
    readonly request_time: string;
    readonly connection: string;
    readonly connection_requests: string;
    readonly time_iso8601: string;
    readonly time_local: string;
    readonly msec: string;
    readonly pid: string;
    readonly nginx_version: string;
    /** Writable. `undefined` without a query string. */
    args: string | undefined;
    readonly is_args: "?" | "";
  }
  /**
   * A table of this request's own that lives until the log phase. Declare its fields by merging:
   * `declare global { namespace ngx { interface Context { decision?: Decision } } }`. An internal redirect
   * (`ngx.exec`, `error_page`) empties it. Slow for its kind: fetch it once for each phase.
   */
  // biome-ignore lint/suspicious/noEmptyInterface: it exists to be merged into
  interface Context {}
  /**
   * See {@link Context}. The manual leaves out the TLS phases, lua-resty-core doesn't: there it is a table of the
   * connection's, whose fields its requests read.
   *
   * @phases init_worker request +timer +balancer +ssl +ssl_session_store +proxy_ssl +exit_worker
   */
  let ctx: Context;

  /**
   * In body filters, the chunk and whether it is the last; writable. In `set_by_lua`, the arguments.
   *
   * @phases set body_filter
   */
  let arg: [chunk: string | undefined, eof: boolean];

  /** @phases request */
  const is_subrequest: boolean;
}

// A block of its own, because one `export { … }` ends the implicit export of all else in its block.
declare namespace ngx {
  /** See {@link Variables}. @phases request +balancer */
  const variables: Variables;

  export { variables as var };
}
