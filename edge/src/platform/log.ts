/**
 * The error log. Never pass a token, a password or a query string. In a request nothing of this is written: nginx
 * would put the whole request line behind it, so the server's log is as good as closed (see `nginx.ts`).
 */
export function logNotice(text: string): void {
  ngx.log(ngx.NOTICE, text);
}

export function logWarning(text: string): void {
  ngx.log(ngx.WARN, text);
}

export function logError(text: string): void {
  ngx.log(ngx.ERR, text);
}

/** A bug that a request has met. Past nginx's logger: the error log is where standard error goes, in any case. */
export function logFailedRequest(requestId: string, text: string): void {
  const time = os.date("%Y/%m/%d %H:%M:%S");
  io.stderr.write(`${time} [error] ${ngx.worker.pid()}#0: request ${requestId}: ${text}\n`);
}
