import { readVariable, sameBytes, variableBytes, variableLength, variableText } from "./variables.ts";

/**
 * What the phases read of a request and what they note about it. Each read of an nginx variable is a hash
 * lookup and a copy: read once, pass on.
 *
 * @hot
 */
export function requestMethod(): string {
  return ngx.req.get_method();
}

/**
 * Decoded and normalized by nginx; without the query string.
 *
 * @hot
 */
export function requestPath(): string {
  return ngx.var.uri;
}

const QUESTION_MARK = 63;

/**
 * Whether the client wrote the path so, whatever the query behind it. Decided is by the path that nginx decoded and
 * normalized, passed on is the one that the client wrote: they must be the same, or edge and origin could see
 * different resources in one request.
 *
 * @hot
 */
export function isWrittenSo(path: string): boolean {
  readVariable("request_uri");
  const length = path.length;
  const written = variableLength();
  if (written < length || !sameBytes(variableBytes(), path, length)) return false;
  return written === length || variableBytes()[length] === QUESTION_MARK;
}

/** Without the `?`; undefined when there is none. */
export function requestQuery(): string | undefined {
  return ngx.var.args;
}

/** Whether there is anything behind the `?`. @hot */
export function hasQuery(): boolean {
  readVariable("args");
  return variableLength() > 0;
}

/** As nginx reads it, from the request line or the `Host` field: lower case, without port. */
export function requestHost(): string {
  return ngx.var.host;
}

/** The entity tag of what the client has; undefined when it has nothing. */
export function knownTag(): string | undefined {
  return ngx.var.http_if_none_match;
}

/** What a browser says of where a request comes from (W3C Fetch Metadata); undefined when it says nothing. */
export function fetchSite(): string | undefined {
  return ngx.var.http_sec_fetch_site;
}

/** The site whose page made the request (RFC 6454, 7), as older browsers say. */
export function requestOrigin(): string | undefined {
  return ngx.var.http_origin;
}

/** When nginx had read the first byte of it, Unix ms. */
export function arrivedAtMs(): number {
  return math.floor(ngx.req.start_time() * 1000);
}

/** As {@link noteCountry} noted it, in an earlier phase. */
export function requestCountry(): string {
  return ngx.var.sluice_country as string;
}

/** Empty when there is none; it fits into memory, because nginx takes no larger ones. */
export function requestBody(): string {
  ngx.req.read_body();
  const body = ngx.req.get_body_data();
  return body === undefined ? "" : body;
}

export function requestId(): string {
  return ngx.var.sluice_id as string;
}

/** Of the client, behind trusted proxies; 4 or 16 bytes in network order. */
export function clientAddressBytes(): string {
  return ngx.var.binary_remote_addr;
}

/**
 * The same where nginx holds it (variables.ts). Nearly every request comes from another address, and a string of
 * each is one that the collector has to find again.
 *
 * @hot
 */
export function readClientAddress(): void {
  readVariable("binary_remote_addr");
}

/**
 * For the origin and the decision log.
 *
 * @hot
 */
export function noteCountry(country: string): void {
  ngx.var.sluice_country = country;
}

/** For the decision log, which takes an empty reason for `default`. */
export function noteVerdict(reason: string, rule: string): void {
  ngx.var.sluice_reason = reason;
  if (rule !== "") ngx.var.sluice_rule = rule;
}

/** For the decision log: the problem code that the edge answered. */
export function noteProblem(code: string): void {
  ngx.var.sluice_problem = code;
}

/** For the decision log. */
export function noteUser(userId: string): void {
  ngx.var.sluice_user = userId;
}

/** For the decision log and the `x-sluice-cache` header. */
export function noteCache(outcome: string): void {
  ngx.var.sluice_cache = outcome;
}

/**
 * For the answer that nginx makes of a page in this worker's memory, and for its `ETag`.
 *
 * @hot
 */
export function notePage(body: string): void {
  ngx.var.sluice_page = body;
}

/** @hot */
export function noteEntityTag(tag: string): void {
  ngx.var.sluice_etag = tag;
}

/**
 * Whether the client says that it has this representation (RFC 9110, 13.1.2). Tags are quoted, so one is found in
 * the list by its text, and a weak one is as good.
 *
 * @hot
 */
export function clientHas(tag: string): boolean {
  readVariable("http_if_none_match");
  const length = variableLength();
  return length > 0 && isNamed(tag, variableText());
}

function isNamed(tag: string, known: string): boolean {
  return known === "*" || known.includes(tag);
}

/** The fields `RateLimit-Policy` and `RateLimit` of the answer (draft-ietf-httpapi-ratelimit-headers-10). */
export function noteRateLimit(policy: string, limit: string): void {
  ngx.var.sluice_rate_limit_policy = policy;
  ngx.var.sluice_rate_limit = limit;
}

/** The field `Retry-After` of the answer. */
export function noteRetryAfter(seconds: number): void {
  ngx.var.sluice_retry_after = string.format("%d", seconds);
}
