import * as ffi from "ffi";
import { get_request } from "resty.core.base";

/**
 * nginx's variables where nginx holds them. `ngx.var` makes a Lua string of each: it looks it up among all strings of
 * the worker, which are a few hundred thousand in as many chains, and leaves it to the collector. Of most variables
 * only a few bytes are looked at, and these are looked at here.
 */
const value = ffi.new<ffi.Pointer<ffi.Bytes>>("unsigned char *[1]");
const length = ffi.new<ffi.Pointer<number>>("size_t[1]");
const failure = ffi.new<ffi.Pointer<ffi.Bytes>>("char *[1]");
const lowerCase = ffi.new<ffi.Bytes>("char[64]");

ffi.cdef("int memcmp(const void *a, const void *b, size_t length);");

/**
 * Finds the variable of the running request, whose name has at most 64 characters. What {@link variableBytes} and
 * {@link variableLength} then say is valid until the next call; of a variable that isn't set it is nothing.
 *
 * @hot
 */
export function readVariable(name: string): void {
  const found = ffi.C.ngx_http_lua_ffi_var_get(
    get_request(),
    name,
    name.length,
    lowerCase,
    0,
    value,
    length,
    failure,
  );
  // Else the bytes are those of another variable.
  if (found !== 0) length[0] = 0;
}

/** @hot */
export function variableBytes(): ffi.Bytes {
  return value[0] as ffi.Bytes;
}

/** @hot */
export function variableLength(): number {
  return tonumber(length[0]) as number;
}

/** As a string of Lua's own. */
export function variableText(): string {
  return ffi.string(variableBytes(), variableLength());
}

/**
 * Whether `count` bytes are the same in both; a string may be given for its bytes.
 *
 * @hot
 */
export function sameBytes(a: ffi.Bytes | string, b: ffi.Bytes | string, count: number): boolean {
  return ffi.C.memcmp(a, b, count) === 0;
}

declare module "ffi" {
  interface CLibrary {
    memcmp(this: void, a: ffi.Bytes | string, b: ffi.Bytes | string, count: number): number;
    ngx_http_lua_ffi_var_get(
      this: void,
      request: ffi.CData,
      name: string,
      nameLength: number,
      lowerCase: ffi.Bytes,
      capture: 0,
      value: ffi.Pointer<ffi.Bytes>,
      length: ffi.Pointer<number>,
      failure: ffi.Pointer<ffi.Bytes>,
    ): number;
  }
}
