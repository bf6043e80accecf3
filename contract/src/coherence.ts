/**
 * How coherence is sampled: the relay compares Redis with the database, each edge worker its pages with Redis. What
 * differs when it is looked at may be on its way, so it is looked at again after each of these times, and counted by how
 * long it has differed. In good health the last counts stay at 0: what differs for so long was lost.
 */
export const COHERENCE_AGES_MS = [0, 50, 500, 5_000] as const;

/** Fields of the hash to which edge workers add (`pageSampleKey`): pages looked at, and those that differed by age. */
export const FIELD_SAMPLED = "sampled";

export function differingField(ageMs: number): string {
  return `differing:${ageMs}`;
}
