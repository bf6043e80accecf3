import * as ffi from "ffi";

/** Tells a piece that was damaged: the sums of Fletcher's checksum, of words of 32 bits, below 2^48. A piece of zeros has no sum of zero with another seed than that. */
export function checksumOf(bytes: string, seed: number): number {
  const words = ffi.cast<ffi.Pointer<number>>("const uint32_t *", bytes);
  const count = Math.floor(bytes.length / 4);
  let sum = seed;
  let sums = 0;
  for (let i = 0; i < count; i++) {
    sum = (sum + (words[i] as number)) % 16_777_213;
    sums = (sums + sum) % 16_777_213;
  }
  return sums * 16_777_216 + sum;
}
