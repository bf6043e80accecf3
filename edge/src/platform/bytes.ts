import type * as ffi from "ffi";

// Pointer arithmetic, which TypeScript has no type for.

export function bytesAt(bytes: ffi.Bytes, offset: number): ffi.Bytes {
  return ((bytes as unknown as number) + offset) as unknown as ffi.Bytes;
}

/** How many bytes behind `from` a pointer into the same memory points. */
export function distance(from: ffi.Bytes, to: ffi.Bytes): number {
  return (to as unknown as number) - (from as unknown as number);
}
