import { ORIGIN_UNAVAILABLE } from "@sluice/contract/error-codes.ts";
import * as semaphore from "ngx.semaphore";
import type { Filled } from "./page.ts";

/**
 * One fill for each key at a time: who comes meanwhile waits for its result. A change to what is being filled
 * makes the flight stale: its result is given to those who were waiting already, who asked before they could
 * know of the change, and is not kept; who comes later starts a flight of their own.
 */
export interface Flight {
  gate: semaphore.Semaphore;
  waiting: number;
  stale: boolean;
  filled: Filled | undefined;
}

export interface Flights {
  byKey: LuaTable<string, Flight>;
  count: number;
}

/** Fills at once in one worker; more than that and the origin is refused on its behalf. */
const FLIGHTS_MAX = 256;
/** Waiters give up after so long and are told that the origin didn't answer, s. */
export const WAIT_MAX_S = 5;

export function createFlights(): Flights {
  return { byKey: new LuaTable(), count: 0 };
}

/** `keep` is called with a result that may be kept. */
export function fillOnce<A>(
  flights: Flights,
  key: string,
  fill: (this: void, key: string, argument: A) => Filled,
  argument: A,
  keep: (this: void, key: string, filled: Filled, argument: A) => void,
): Filled {
  const running = flights.byKey.get(key);
  if (running !== undefined) {
    running.waiting += 1;
    running.gate.wait(WAIT_MAX_S);
    return running.filled === undefined ? REFUSED : running.filled;
  }
  if (flights.count >= FLIGHTS_MAX) return REFUSED;
  const [gate] = semaphore.new(0);
  if (gate === undefined) return REFUSED;
  const flight: Flight = { gate, waiting: 0, stale: false, filled: undefined };
  flights.byKey.set(key, flight);
  flights.count += 1;
  const [ok, result] = pcall(fill, key, argument);
  flights.count -= 1;
  if (flights.byKey.get(key) === flight) flights.byKey.delete(key);
  flight.filled = ok ? (result as Filled) : REFUSED;
  if (flight.waiting > 0) gate.post(flight.waiting);
  if (!ok) error(result);
  if (!flight.stale) keep(key, result as Filled, argument);
  return result as Filled;
}

/** What is filled under the key is out of date. */
export function spoil(flights: Flights, key: string): void {
  const flight = flights.byKey.get(key);
  if (flight === undefined) return;
  flight.stale = true;
  flights.byKey.delete(key);
}

export function spoilAll(flights: Flights): void {
  for (const [key, flight] of flights.byKey) {
    flight.stale = true;
    flights.byKey.delete(key);
  }
}

export const REFUSED: Filled = {
  page: undefined,
  problem: ORIGIN_UNAVAILABLE,
  fromRedis: false,
  isPrivate: false,
};
