/** The request that is being served. @noSelf */
declare namespace ngx.req {
  /** A name that came more than once gives a list; one without a value (`?a`) gives `true`. */
  type Args = LuaTable<string, string | true | (string | true)[]>;
  /** Keys in lower case; reading `h["Content-Type"]` or `h.content_type` finds `content-type` as well. */
  type Headers = LuaTable<string, string | string[]>;

  /** Whether this is an internal redirect or a subrequest. @phases request */
  function is_internal(): boolean;

  /** Unix time in seconds, with milliseconds, at which the request was created. @phases request */
  function start_time(): number;

  /** `undefined` for what nginx can't tell. @phases request -body_filter */
  function http_version(): 0.9 | 1.0 | 1.1 | 2.0 | 3.0 | undefined;

  /** The header as it came. Throws for HTTP/2 and HTTP/3. @phases request -body_filter */
  function raw_header(noRequestLine?: boolean): string;

  /** @phases request +balancer */
  function get_method(): string;

  /** @phases set handler +header_filter */
  function set_method(method: MethodNumber): void;

  /**
   * Replaces the path. With `jump`, which only the rewrite phase allows, location matching starts again and the
   * call does not return. Throws when `uri` is empty or holds control characters (unless `binary`).
   *
   * @phases set handler +header_filter +body_filter
   */
  function set_uri(uri: string, jump?: boolean, binary?: boolean): void;

  /** @phases set handler +header_filter +body_filter */
  function set_uri_args(args: string | LuaTable<string, unknown> | object): void;

  /**
   * At most `max` arguments are parsed (default 100, 0 for all); when there were more, the second value is
   * "truncated" and the table holds the first ones.
   *
   * @phases request +balancer
   */
  function get_uri_args(max?: number, into?: Args): LuaMultiReturn<[Args, "truncated" | undefined]>;

  /**
   * The body as a form; `read_body` must have been called. `nil, error` when the body lies in a file.
   *
   * @phases handler +header_filter +body_filter +log
   */
  function get_post_args(max?: number): LuaMultiReturn<[Args, "truncated" | undefined] | [undefined, string]>;

  /**
   * At most `max` fields (default 100, 0 for all); when there were more, the second value is "truncated".
   * With `raw` the keys keep the client's case, and the lookup that ignores case is off.
   *
   * @phases request
   */
  function get_headers(max?: number, raw?: boolean): LuaMultiReturn<[Headers, "truncated" | undefined]>;

  /** What upstreams and variables see from now on. `undefined` clears. @phases set handler +header_filter +body_filter */
  function set_header(name: string, value: string | number | readonly string[] | undefined): void;

  /** @phases set handler +header_filter +body_filter */
  function clear_header(name: string): void;

  /** Reads the body into memory or, beyond `client_body_buffer_size`, a file. Waits. @phases handler */
  function read_body(): void;

  /** @phases handler */
  function discard_body(): LuaMultiReturn<[1, undefined] | [undefined, string]>;

  /** `undefined` when there is none, it wasn't read, or it lies in a file. @phases handler +log */
  function get_body_data(maxBytes?: number): string | undefined;

  /** `undefined` when the body wasn't read or is in memory. @phases handler */
  function get_body_file(): string | undefined;

  /** `read_body` or `discard_body` must have been called. @phases handler +balancer */
  function set_body_data(data: string): void;

  /** With `autoClean` the file is deleted after the request. @phases handler +balancer */
  function set_body_file(path: string, autoClean?: boolean): void;

  /** Starts a new body, to be appended to in pieces. @phases set handler */
  function init_body(bufferBytes?: number): void;
  /** @phases set handler */
  function append_body(chunk: string): void;
  /** @phases set handler */
  function finish_body(): void;

  /**
   * The connection to the client, to read the body from; with `raw`, past nginx and in both directions, which makes
   * the response yours alone. HTTP/2, and a body that was read already, are `nil, error`.
   *
   * @phases handler
   */
  function socket(raw?: boolean): LuaMultiReturn<[ngx.socket.Tcp, undefined] | [undefined, string]>;
}
