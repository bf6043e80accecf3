/** @noSelf */
declare namespace ngx {
  const OK: 0;
  const ERROR: -1;
  const AGAIN: -2;
  const DONE: -4;
  const DECLINED: -5;

  const HTTP_CONTINUE: 100;
  const HTTP_SWITCHING_PROTOCOLS: 101;
  const HTTP_OK: 200;
  const HTTP_CREATED: 201;
  const HTTP_ACCEPTED: 202;
  const HTTP_NO_CONTENT: 204;
  const HTTP_PARTIAL_CONTENT: 206;
  const HTTP_SPECIAL_RESPONSE: 300;
  const HTTP_MOVED_PERMANENTLY: 301;
  const HTTP_MOVED_TEMPORARILY: 302;
  const HTTP_SEE_OTHER: 303;
  const HTTP_NOT_MODIFIED: 304;
  const HTTP_TEMPORARY_REDIRECT: 307;
  const HTTP_PERMANENT_REDIRECT: 308;
  const HTTP_BAD_REQUEST: 400;
  const HTTP_UNAUTHORIZED: 401;
  const HTTP_PAYMENT_REQUIRED: 402;
  const HTTP_FORBIDDEN: 403;
  const HTTP_NOT_FOUND: 404;
  const HTTP_NOT_ALLOWED: 405;
  const HTTP_NOT_ACCEPTABLE: 406;
  const HTTP_REQUEST_TIMEOUT: 408;
  const HTTP_CONFLICT: 409;
  const HTTP_GONE: 410;
  const HTTP_UPGRADE_REQUIRED: 426;
  const HTTP_TOO_MANY_REQUESTS: 429;
  const HTTP_CLOSE: 444;
  const HTTP_ILLEGAL: 451;
  const HTTP_INTERNAL_SERVER_ERROR: 500;
  /** The same as {@link HTTP_NOT_IMPLEMENTED}: the module spells it both ways. */
  const HTTP_METHOD_NOT_IMPLEMENTED: 501;
  const HTTP_NOT_IMPLEMENTED: 501;
  const HTTP_BAD_GATEWAY: 502;
  const HTTP_SERVICE_UNAVAILABLE: 503;
  const HTTP_GATEWAY_TIMEOUT: 504;
  const HTTP_VERSION_NOT_SUPPORTED: 505;
  const HTTP_INSUFFICIENT_STORAGE: 507;

  // Method numbers: bits for ngx.req.set_method and ngx.location.capture. `ngx.req.get_method` returns a name.
  const HTTP_GET: 2;
  const HTTP_HEAD: 4;
  const HTTP_POST: 8;
  const HTTP_PUT: 16;
  const HTTP_DELETE: 32;
  const HTTP_MKCOL: 64;
  const HTTP_COPY: 128;
  const HTTP_MOVE: 256;
  const HTTP_OPTIONS: 512;
  const HTTP_PROPFIND: 1024;
  const HTTP_PROPPATCH: 2048;
  const HTTP_LOCK: 4096;
  const HTTP_UNLOCK: 8192;
  const HTTP_PATCH: 16384;
  const HTTP_TRACE: 32768;

  type MethodNumber =
    | typeof HTTP_GET
    | typeof HTTP_HEAD
    | typeof HTTP_POST
    | typeof HTTP_PUT
    | typeof HTTP_DELETE
    | typeof HTTP_MKCOL
    | typeof HTTP_COPY
    | typeof HTTP_MOVE
    | typeof HTTP_OPTIONS
    | typeof HTTP_PROPFIND
    | typeof HTTP_PROPPATCH
    | typeof HTTP_LOCK
    | typeof HTTP_UNLOCK
    | typeof HTTP_PATCH
    | typeof HTTP_TRACE;

  const STDERR: 0;
  const EMERG: 1;
  const ALERT: 2;
  const CRIT: 3;
  const ERR: 4;
  const WARN: 5;
  const NOTICE: 6;
  const INFO: 7;
  const DEBUG: 8;

  type LogLevel =
    | typeof STDERR
    | typeof EMERG
    | typeof ALERT
    | typeof CRIT
    | typeof ERR
    | typeof WARN
    | typeof NOTICE
    | typeof INFO
    | typeof DEBUG;
}

// A block of its own, because one `export { … }` ends the implicit export of all else in its block.
/** @noSelf */
declare namespace ngx {
  /** The type of `ngx.null`; nothing but that value has it. */
  export interface Null {
    readonly __ngxNull: never;
  }
  const nullValue: Null;

  /**
   * The light userdata NULL: what Redis and cjson give for "no value", where `nil` can't stand in a table. It is
   * truthy; compare it with `===`.
   */
  export { nullValue as null };
}
