export type Pick = <T>(values: readonly T[]) => T;

/** The same picks for the same seed (mulberry32). */
export function picker(seed: number): Pick {
  let state = seed;
  return (values) => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return values[((bits ^ (bits >>> 14)) >>> 0) % values.length] as (typeof values)[number];
  };
}
