/**
 * A hash of a block in 31 bits: sums of products that a double holds exactly and that bit operators, signed 32-bit in
 * both runtimes, wrap. For those who change tables; `find-block.ts` says why it has these lines once more.
 */
export function hashIpv4Block(a: number, length: number): number {
  const mixed = ((a & 0xffff) * FACTOR_1) ^ (Math.floor(a / 65536) * FACTOR_2) ^ (length * FACTOR_3);
  return (mixed ^ (mixed >> 11) ^ (mixed >> 19)) & 0x7fffffff;
}

export function hashIpv6Block(a: number, b: number, c: number, length: number): number {
  const mixed =
    ((a & 0xffffff) * FACTOR_1) ^
    (Math.floor(a / 16777216) * FACTOR_2) ^
    ((b & 0xffffff) * FACTOR_4) ^
    (Math.floor(b / 16777216) * FACTOR_5) ^
    ((c & 0xffff) * FACTOR_6) ^
    (Math.floor(c / 65536) * FACTOR_7) ^
    (length * FACTOR_3);
  return (mixed ^ (mixed >> 11) ^ (mixed >> 19)) & 0x7fffffff;
}

/** Odd, of 26 bits: times 24 bits they stay below 2^51, where LuaJIT's bit operators end. */
export const FACTOR_1 = 0x278dde7;
export const FACTOR_2 = 0x2ebca6b;
export const FACTOR_3 = 0x370e6b3;
export const FACTOR_4 = 0x3b2ae35;
export const FACTOR_5 = 0x19e3779;
export const FACTOR_6 = 0x3d4eb2f;
export const FACTOR_7 = 0x165667b;
