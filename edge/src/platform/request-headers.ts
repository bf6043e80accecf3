import { COOKIE_ACCESS, countCookies, firstCookie } from "@sluice/contract/cookies.ts";
import * as ffi from "ffi";
import { get_request } from "resty.core.base";
import { sameBytes } from "./variables.ts";

/**
 * One pass over the request's header fields, where nginx holds them, through the function that
 * `ngx.req.get_headers` itself is made of. Nothing is copied but what is looked for: making a Lua table of all
 * fields would cost more than the whole access decision.
 */
export interface SeenHeaders {
  /** How many `Authorization` fields there are. */
  authorizations: number;
  /** The length of the last of them, whose value {@link authorizationBytes} shows where nginx holds it. */
  authorizationLength: number;
  /** How many access tokens there are among the cookies; 0 when nobody asked for them. */
  cookies: number;
  /** The last of them. */
  cookie: string;
  /** More fields than we look at: the request must be refused. */
  tooMany: boolean;
}

export const HEADERS_MAX = 100;

interface Text {
  readonly len: number;
  readonly data: ffi.Bytes;
}

interface HeaderField {
  readonly key: Text;
  readonly value: Text;
}

const fields = ffi.new<ffi.Pointer<HeaderField>>(`ngx_http_lua_ffi_table_elt_t[${HEADERS_MAX}]`);
const truncated = ffi.new<ffi.Pointer<number>>("int[1]");
/** @perWorker */
const seen: SeenHeaders = {
  authorizations: 0,
  authorizationLength: 0,
  cookies: 0,
  cookie: "",
  tooMany: false,
};

/** Of the `Authorization` field seen last. A pointer in a Lua table would be an object for each request. @perWorker */
const authorization = ffi.new<ffi.Pointer<ffi.Bytes>>("const unsigned char *[1]");

/** Whether a field of the request that is looked at is the edge's own. @perWorker */
let internal = false;
/** @perWorker */
let readsCookies = false;

const LOWER_A = 97;
const LOWER_C = 99;
const LOWER_X = 120;
const INTERNAL_PREFIX = "x-sluice-";
const AUTHORIZATION = "authorization";
const COOKIE = "cookie";

/**
 * What the last `Authorization` field says, as long as {@link SeenHeaders} is valid: making a string of it is for who
 * needs one.
 *
 * @hot
 */
export function authorizationBytes(): ffi.Bytes {
  return authorization[0] as ffi.Bytes;
}

/**
 * Takes off every field that only the edge may set, and reports what is asked of the others: cookies only where a
 * token is wanted. The result is valid until the next call.
 *
 * @hot
 */
export function inspectHeaders(wantsToken: boolean): SeenHeaders {
  const request = get_request();
  seen.authorizations = 0;
  seen.authorizationLength = 0;
  seen.cookies = 0;
  readsCookies = wantsToken;
  const count = ffi.C.ngx_http_lua_ffi_req_get_headers_count(request, HEADERS_MAX, truncated);
  seen.tooMany = truncated[0] !== 0 || count < 0 || count > HEADERS_MAX;
  if (seen.tooMany) return seen;
  if (ffi.C.ngx_http_lua_ffi_req_get_headers(request, fields, count, 0) !== 0) {
    seen.tooMany = true;
    return seen;
  }
  internal = false;
  inspectFour(0, count);
  if (count > 4) inspectFour(4, count);
  if (count > 8) inspectFour(8, count);
  if (count > 12) inspectFour(12, count);
  if (count > 16) inspectRest(16, count);
  if (internal) stripInternal(count);
  return seen;
}

/**
 * Four at a time without a loop: LuaJIT gives up compiling the access phase, which stands around this, at a loop
 * inside. By itself that bought nothing that could be measured. Browsers send about a dozen fields; what is beyond sixteen takes the loop.
 *
 * @hot
 */
function inspectFour(at: number, count: number): void {
  inspectField(at, count);
  inspectField(at + 1, count);
  inspectField(at + 2, count);
  inspectField(at + 3, count);
}

function inspectRest(from: number, count: number): void {
  for (let at = from; at < count; at++) inspectField(at, count);
}

/** @hot */
function inspectField(at: number, count: number): void {
  if (at >= count) return;
  const field = fields[at] as HeaderField;
  const length = field.key.len;
  const first = field.key.data[0];
  if (first === LOWER_A && length === AUTHORIZATION.length) {
    if (sameBytes(field.key.data, AUTHORIZATION, length)) {
      seen.authorizations += 1;
      authorization[0] = field.value.data;
      seen.authorizationLength = tonumber(field.value.len) as number;
    }
  } else if (readsCookies && first === LOWER_C && length === COOKIE.length) {
    if (sameBytes(field.key.data, COOKIE, length))
      inspectCookies(ffi.string(field.value.data, field.value.len));
  } else if (first === LOWER_X && length >= INTERNAL_PREFIX.length) {
    if (sameBytes(field.key.data, INTERNAL_PREFIX, INTERNAL_PREFIX.length)) internal = true;
  }
}

function inspectCookies(cookies: string): void {
  const count = countCookies(cookies, COOKIE_ACCESS);
  if (count === 0) return;
  seen.cookies += count;
  seen.cookie = firstCookie(cookies, COOKIE_ACCESS) as string;
}

/** Names first: clearing a field moves the memory that the fields point into. */
function stripInternal(count: number): void {
  const names: string[] = [];
  for (let i = 0; i < count; i++) {
    const key = (fields[i] as HeaderField).key;
    const name = ffi.string(key.data, key.len);
    if (name.startsWith(INTERNAL_PREFIX)) names.push(name);
  }
  for (const name of names) ngx.req.clear_header(name);
}

declare module "ffi" {
  interface CLibrary {
    ngx_http_lua_ffi_req_get_headers_count(
      this: void,
      request: ffi.CData,
      max: number,
      truncated: ffi.Pointer<number>,
    ): number;
    ngx_http_lua_ffi_req_get_headers(
      this: void,
      request: ffi.CData,
      out: ffi.Pointer<unknown>,
      count: number,
      raw: 0 | 1,
    ): number;
  }
}
