import * as ffi from "ffi";
// Declares `ngx_decode_base64url`.
import "ngx.base64";
import { TOKEN_LENGTH_MAX } from "@sluice/contract/token-claims.ts";
import { bytesAt } from "../platform/bytes.ts";

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
const BYTES = ffi.typeof<ffi.Bytes>("const unsigned char *");

/** For what one segment decodes to. */
export function createSegmentBuffer(): ffi.Bytes {
  return ffi.new<ffi.Bytes>(`unsigned char[${TOKEN_LENGTH_MAX}]`);
}

/** The places of the two dots, of which there are exactly two, no segment being empty: `h.p.s.` is not a token. */
export function findDots(
  text: string,
): LuaMultiReturn<[first: number, second: number] | [undefined, undefined]> {
  const first = text.indexOf(".");
  if (first <= 0) return $multi(undefined, undefined);
  const second = text.indexOf(".", first + 1);
  if (second <= first + 1 || second === text.length - 1) return $multi(undefined, undefined);
  if (text.indexOf(".", second + 1) !== -1) return $multi(undefined, undefined);
  return $multi(first, second);
}

/** Characters that leave no bit of the last byte unsaid, behind a segment of 4n + 2 and 4n + 3 characters. */
const LAST_OF_TWO = "AQgw";
const LAST_OF_THREE = "AEIMQUYcgkosw048";

/**
 * Decodes that part of the text into a buffer, and tells how many bytes there are; less than 0 when it is not canonical
 * base64url: no padding, no other characters, unused bits zero (RFC 4648, 3.5). Otherwise one token would
 * have many spellings. nginx's decoder stops at padding, which shows by the length, and ignores unused bits.
 */
export function decodeSegment(text: string, from: number, to: number, into: ffi.Bytes): number {
  const length = to - from;
  const rest = length % 4;
  if (rest === 1 || length > TOKEN_LENGTH_MAX) return NOT_READ;
  if (rest === 2 && !LAST_OF_TWO.includes(string.sub(text, to, to))) return NOT_READ;
  if (rest === 3 && !LAST_OF_THREE.includes(string.sub(text, to, to))) return NOT_READ;
  const given = source[0] as Text;
  const made = target[0] as Text;
  given.data = bytesAt(ffi.cast(BYTES, text), from);
  given.len = length;
  made.data = into;
  made.len = 0;
  if (ffi.C.ngx_decode_base64url(target, source) !== 0) return NOT_READ;
  const bytes = (length - rest) * 0.75 + (rest === 0 ? 0 : rest - 1);
  return tonumber(made.len) === bytes ? bytes : NOT_READ;
}

declare module "ffi" {
  interface CLibrary {
    ngx_decode_base64url(this: void, target: ffi.Pointer<unknown>, source: ffi.Pointer<unknown>): number;
  }
}
