const EXACT_DIGITS_MAX = 14;

/** Primes below 2^16 and 2^36, so that the sums are exact in a double. */
const LOW = 65_521;
const HIGH = 68_719_476_731;

/**
 * The user as two numbers of at most 48 and 16 bits: the id, which is decimal, or hashes of one that is too long. Made
 * once for each token.
 */
export function userKey(userId: string): LuaMultiReturn<[a: number, b: number]> {
  if (userId.length <= EXACT_DIGITS_MAX) return $multi(tonumber(userId) as number, LOW);
  let a = 0;
  let b = 0;
  for (let i = 1; i <= userId.length; i++) {
    const character = string.byte(userId, i) as number;
    a = (a * 65_599 + character) % HIGH;
    b = (b * 257 + character) % LOW;
  }
  return $multi(a, b);
}
