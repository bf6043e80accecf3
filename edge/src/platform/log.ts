/** The error log. Never pass a token, a password or a query string. */
export function logNotice(text: string): void {
  ngx.log(ngx.NOTICE, text);
}

export function logWarning(text: string): void {
  ngx.log(ngx.WARN, text);
}

export function logError(text: string): void {
  ngx.log(ngx.ERR, text);
}
