import type * as ffi from "ffi";

/** Pointer arithmetic, which TypeScript has no type for. */
export function bytesAt(bytes: ffi.Bytes, offset: number): ffi.Bytes {
  return ((bytes as unknown as number) + offset) as unknown as ffi.Bytes;
}
