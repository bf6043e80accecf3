import * as ffi from "ffi";

const MODULUS = 16_777_213;
/** Words whose sums a double holds exactly before they are reduced: 256 · 256 · 2^32 is below 2^53. */
const REDUCED_AFTER = 256;

/**
 * Tells a piece that was damaged: the sums of Fletcher's checksum, of words of 32 bits, below 2^48. With another seed
 * than zero, a piece of zeros has no sum of zero.
 */
export function checksumOf(bytes: string, seed: number): number {
  return checksumOfMemory(ffi.cast<ffi.Pointer<number>>("const double *", bytes), bytes.length, seed);
}

/** The same of bytes that are no string. */
export function checksumOfMemory(memory: ffi.Pointer<number>, bytes: number, seed: number): number {
  const words = ffi.cast<ffi.Pointer<number>>("const uint32_t *", memory);
  const count = Math.floor(bytes / 4);
  let sum = seed;
  let sums = 0;
  let at = 0;
  while (at < count) {
    const stop = Math.min(at + REDUCED_AFTER, count);
    for (let i = at; i < stop; i++) {
      sum += words[i] as number;
      sums += sum;
    }
    sum = sum % MODULUS;
    sums = sums % MODULUS;
    at = stop;
  }
  return sums * 16_777_216 + sum;
}
