/** @noSelf */
declare namespace ngx {
  /** Writes one line to the error log; the parts are joined without anything between them. @phases any */
  function log(level: LogLevel, ...parts: (Printable | object)[]): void;

  type Phase =
    | "init"
    | "init_worker"
    | "ssl_cert"
    | "ssl_session_fetch"
    | "ssl_session_store"
    | "ssl_client_hello"
    | "set"
    | "server_rewrite"
    | "rewrite"
    | "balancer"
    | "proxy_ssl_cert"
    | "proxy_ssl_verify"
    | "access"
    | "precontent"
    | "content"
    | "header_filter"
    | "body_filter"
    | "log"
    | "timer"
    | "exit_worker";

  /** @phases any */
  function get_phase(): Phase;
}
