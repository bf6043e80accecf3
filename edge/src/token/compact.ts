import * as ffi from "ffi";
// Declares `ngx_decode_base64url`.
import "ngx.base64";
import { TOKEN_LENGTH_MAX } from "@sluice/contract/token-claims.ts";
import { bytesAt, distance } from "../platform/bytes.ts";

/**
 * Where the segments of a compact JWS (RFC 7515, 7.1) end, in the text that it is. Nothing is cut out that need not be
 * a string of its own: each would be looked up among all strings of the worker, and left to the collector.
 */
interface Text {
  data: ffi.Bytes;
  len: number;
}

const NOT_READ = -1;

const source = ffi.new<ffi.Pointer<Text>>("ngx_str_t[1]");
const target = ffi.new<ffi.Pointer<Text>>("ngx_str_t[1]");

ffi.cdef("const unsigned char *memchr(const void *bytes, int byte, size_t length);");

/** For what one segment decodes to. */
export function createSegmentBuffer(): ffi.Bytes {
  return ffi.new<ffi.Bytes>(`unsigned char[${TOKEN_LENGTH_MAX}]`);
}

/** Between the segments. */
export const DOT = 46;

/** The places of the two dots, of which there are exactly two, no segment being empty: `h.p.s.` is not a token. */
export function findDots(
  token: ffi.Bytes,
  length: number,
): LuaMultiReturn<[first: number, second: number] | [undefined, undefined]> {
  const first = dotFrom(token, 0, length);
  if (first <= 0) return $multi(undefined, undefined);
  const second = dotFrom(token, first + 1, length);
  if (second <= first + 1 || second === length - 1) return $multi(undefined, undefined);
  if (dotFrom(token, second + 1, length) !== NOT_READ) return $multi(undefined, undefined);
  return $multi(first, second);
}

function dotFrom(token: ffi.Bytes, from: number, length: number): number {
  const found = ffi.C.memchr(bytesAt(token, from), DOT, length - from);
  // NULL equals nil.
  return found === undefined ? NOT_READ : distance(token, found);
}

/** Characters that leave no bit of the last byte unsaid, behind a segment of 4n + 2 and 4n + 3 characters. */
const LAST_OF_TWO = "AQgw";
const LAST_OF_THREE = "AEIMQUYcgkosw048";

/**
 * Decodes that part of the token into a buffer, and tells how many bytes there are; less than 0 when it is not canonical
 * base64url: no padding, no other characters, unused bits zero (RFC 4648, 3.5). Otherwise one token would
 * have many spellings. nginx's decoder stops at padding, which shows by the length, and ignores unused bits.
 */
export function decodeSegment(token: ffi.Bytes, from: number, to: number, into: ffi.Bytes): number {
  const length = to - from;
  const rest = length % 4;
  if (rest === 1 || length > TOKEN_LENGTH_MAX) return NOT_READ;
  if (rest === 2 && !endsWithOneOf(LAST_OF_TWO, token, to)) return NOT_READ;
  if (rest === 3 && !endsWithOneOf(LAST_OF_THREE, token, to)) return NOT_READ;
  const given = source[0] as Text;
  const made = target[0] as Text;
  given.data = bytesAt(token, from);
  given.len = length;
  made.data = into;
  made.len = 0;
  if (ffi.C.ngx_decode_base64url(target, source) !== 0) return NOT_READ;
  const bytes = (length - rest) * 0.75 + (rest === 0 ? 0 : rest - 1);
  return tonumber(made.len) === bytes ? bytes : NOT_READ;
}

function endsWithOneOf(characters: string, token: ffi.Bytes, to: number): boolean {
  return ffi.C.memchr(characters, token[to - 1] as number, characters.length) !== undefined;
}

declare module "ffi" {
  interface CLibrary {
    memchr(this: void, bytes: ffi.Bytes | string, byte: number, length: number): ffi.Bytes | undefined;
    ngx_decode_base64url(this: void, target: ffi.Pointer<unknown>, source: ffi.Pointer<unknown>): number;
  }
}
