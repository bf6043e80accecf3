import type { RateLimit } from "./document.ts";

/**
 * The generic cell rate algorithm (ITU-T I.371, "virtual scheduling"): of each key one number is kept, the time at
 * which the next request is due if all come at the rate. A request may come early by as much as the burst allows. A
 * number that lies in the past says the same as none, so whoever was quiet costs nothing.
 *
 * Times are whole ticks, in which a double is exact until 2043, so that the count of requests is, too: sums of
 * fractions would let one more or one less through.
 */
export interface CompiledLimit {
  key: RateLimit["key"];
  /** 32 bits that stand for the rule: it keeps its due times over revisions, whatever else they change. */
  place: number;
  /** An item of the field `RateLimit-Policy`. */
  policyField: string;
  /** An item of the field `RateLimit`, but for its numbers. */
  nameField: string;
  /** From one request to the next at the rate; ticks, at least 1. */
  interval: number;
  /** How far the due time may lie ahead after a request: `burst` intervals; ticks. */
  capacity: number;
  burst: number;
}

export const TICKS_PER_MS = 16_384;
/** 2026-01-01T00:00:00Z */
const EPOCH_MS = 1_767_225_600_000;

/** What {@link arrive} answers instead of a due time. */
export const REFUSED = -1;

export function compileLimit(given: RateLimit, rule: string): CompiledLimit {
  const burst = given.burst === undefined ? given.requests : given.burst;
  const interval = Math.max(1, Math.floor((given.seconds * 1000 * TICKS_PER_MS) / given.requests + 0.5));
  const capacity = interval * burst;
  return {
    key: given.key,
    place: placeOf(rule),
    policyField: `"${rule}";q=${burst};w=${secondsUp(capacity)}`,
    nameField: `"${rule}"`,
    interval,
    capacity,
    burst,
  };
}

/** The hash of the sdbm library: in what ids are made of, neighbours don't meet. */
function placeOf(rule: string): number {
  let hash = 0;
  for (let i = 0; i < rule.length; i++) hash = (hash * 65_599 + rule.charCodeAt(i)) % 4_294_967_296;
  return hash;
}

export function ticksAt(nowMs: number): number {
  return Math.floor((nowMs - EPOCH_MS) * TICKS_PER_MS);
}

/**
 * The due time after a request at `now`, which is to be kept; {@link REFUSED} when it comes too early, and what was
 * kept stays. `due` is what was kept, 0 for nothing.
 *
 * @hot
 */
export function arrive(limit: CompiledLimit, due: number, now: number): number {
  const next = standing(limit, due, now) + limit.interval;
  return next - now > limit.capacity ? REFUSED : next;
}

/** How many more requests may come at once. */
export function remaining(limit: CompiledLimit, due: number, now: number): number {
  return Math.floor((limit.capacity - (standing(limit, due, now) - now)) / limit.interval);
}

/** Seconds, rounded up, until a request that was refused could come; 0 when one may come now. */
export function retrySeconds(limit: CompiledLimit, due: number, now: number): number {
  return secondsUp(standing(limit, due, now) + limit.interval - limit.capacity - now);
}

/** Seconds, rounded up, until all of the burst is there again. */
export function resetSeconds(limit: CompiledLimit, due: number, now: number): number {
  return secondsUp(standing(limit, due, now) - now);
}

/**
 * What a kept due time counts for. No request ever set one further ahead than the capacity: one that is was set
 * before the clock was put back, or under a wider limit, and must not keep anybody out for as long. Who keeps it
 * keeps this instead.
 *
 * @hot
 */
export function standing(limit: CompiledLimit, due: number, now: number): number {
  if (due <= now) return now;
  return due - now > limit.capacity ? now + limit.capacity : due;
}

function secondsUp(ticks: number): number {
  return ticks <= 0 ? 0 : Math.ceil(ticks / (1000 * TICKS_PER_MS));
}
