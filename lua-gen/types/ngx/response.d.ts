/** @noSelf */
declare namespace ngx {
  /**
   * The status of the response: to be set before the header is sent.
   *
   * @phases request
   */
  let status: number;

  /** Whether the header went out (or was handed to nginx to go out). @phases set handler */
  const headers_sent: boolean;

  /**
   * Response header fields. Names ignore case, and `_` stands for `-`. A list sends the field several times;
   * `undefined` removes it. Reading costs a scan: `ngx.resp.get_headers` for many.
   *
   * @phases handler +header_filter +body_filter +log
   */
  const header: { [name: string]: string | number | readonly string[] | undefined };

  /** A table of tables of strings and numbers, in order; or any such scalar. `undefined` prints "nil". */
  type Printable = string | number | boolean | undefined | Null | readonly Printable[];

  /** Sends at once and asynchronously: the data may not have left when it returns. @phases handler */
  function print(...data: Printable[]): LuaMultiReturn<[1, undefined] | [undefined, string]>;

  /** {@link print} with a newline after it. @phases handler */
  function say(...data: Printable[]): LuaMultiReturn<[1, undefined] | [undefined, string]>;

  /** Pushes what was printed to the client; with `wait` it returns only when it is in the system's buffers. @phases handler */
  function flush(wait?: boolean): LuaMultiReturn<[1, undefined] | [undefined, string]>;

  /** Says that the body is complete; code after it still runs. @phases handler */
  function eof(): LuaMultiReturn<[1, undefined] | [undefined, string]>;

  /** @phases handler */
  function send_headers(): LuaMultiReturn<[1, undefined] | [undefined, string]>;

  /**
   * Ends the phase: with a status ≥ 200 the request (an `access` that exits runs no `content`), with `ngx.OK` the
   * phase alone, and nginx goes on to the next. In handlers the call doesn't return; in filters and balancers it
   * does. Hence the type; let `return` follow it everywhere. nginx takes it in a timer too, where there is no request
   * to end and it ends the timer without a word: that is left out here, `return` says it better.
   *
   * @phases handler +header_filter +balancer +ssl +ssl_session_store +proxy_ssl
   */
  function exit(status: number): void;

  /** An internal redirect to another location, keeping the request. Doesn't return. @phases handler */
  function exec(uri: string, args?: string | object): never;

  /** Answers with a redirect, 302 unless given. Doesn't return. @phases handler */
  function redirect(uri: string, status?: 301 | 302 | 303 | 307 | 308): never;

  /**
   * Called when the client closes the connection early; needs `lua_check_client_abort on`.
   *
   * @phases handler
   */
  function on_abort(callback: (this: void) => void): LuaMultiReturn<[1, undefined] | [undefined, string]>;
}

/** @noSelf */
declare namespace ngx.resp {
  /** Like `ngx.req.get_headers`, of the response. @phases request +balancer */
  function get_headers(
    max?: number,
    raw?: boolean,
  ): LuaMultiReturn<[LuaTable<string, string | string[]>, "truncated" | undefined]>;
}
