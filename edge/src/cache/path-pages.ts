import { isLive, isLiveAt } from "../changes/liveness.ts";
import { nowMs, preciseNowMs } from "../platform/clock.ts";
import {
  clearMap,
  createGenerationalMap,
  deleteFrom,
  type GenerationalMap,
  getFrom,
  peekAt,
  putInto,
  someKeys,
} from "../platform/generational-map.ts";
import { askOnce } from "./node-flight.ts";
import {
  answerFilled,
  answerHeld,
  type Filled,
  filledFromRedis,
  isFresh,
  mayBeKept,
  type Page,
} from "./page.ts";
import { neverExisted } from "./product-filter.ts";
import { createFlights, type Flights, fillOnce, spoil, spoilAll } from "./single-flight.ts";

/**
 * Pages of one worker by their path: its memory, then what `read` puts together from Redis, then the origin. While
 * the change stream is followed a page stays until a change names its product, a 404 as well; see `page.ts` for other
 * times.
 */
export interface PathPages {
  pages: GenerationalMap<Page>;
  flights: Flights;
  /** When the last change to a product was heard of, by the place of its id. */
  changedAtMs: LuaTable<number, number>;
  /** Before that, changes may have been missed. */
  missedAtMs: number;
  /** The page from Redis; undefined when it is not there, or not all of it. May wait. */
  read: (this: void, id: string) => string | undefined;
  /** The id in a path. */
  idIn: (this: void, path: string) => string;
}

/** What a page is asked for by: its path, and the product that is in it. */
interface Asked {
  cache: PathPages;
  id: string;
  live: boolean;
}

/** How many times of changes are remembered. Products share the places: a change is then one to all of a place. */
const CHANGE_PLACES = 4_096;
/** A BIGINT has no more digits. */
const ID_DIGITS_MAX = 19;

export function createPathPages(max: number, read: PathPages["read"], idIn: PathPages["idIn"]): PathPages {
  return {
    pages: createGenerationalMap<Page>(max),
    flights: createFlights(),
    changedAtMs: new LuaTable(),
    missedAtMs: 0,
    read,
    idIn,
  };
}

/**
 * What this worker has for the path, as long as it may be given without asking anybody.
 *
 * @hot
 */
export function heldAt(cache: PathPages, path: string, atMs: number): Page | undefined {
  const held = getFrom(cache.pages, path);
  return held !== undefined && isFresh(held, isLiveAt(atMs), atMs) ? held : undefined;
}

/** Answers the request for `path`, which holds that id of a product. */
export function servePath(cache: PathPages, path: string, id: string): void {
  const live = isLive();
  const held = getFrom(cache.pages, path);
  if (held !== undefined && isFresh(held, live, nowMs())) {
    answerHeld(held);
    return;
  }
  answerFilled(fillOnce(cache.flights, path, fill, { cache, id, live }, keep), held);
}

/** The change stream said that the page is another now. */
export function forgetPath(cache: PathPages, path: string, id: string): void {
  cache.changedAtMs.set(placeOf(id), preciseNowMs());
  deleteFrom(cache.pages, path);
  spoil(cache.flights, path);
}

/** Changes may have been missed. */
export function forgetAll(cache: PathPages): void {
  cache.missedAtMs = preciseNowMs();
  clearMap(cache.pages);
  spoilAll(cache.flights);
}

/** At random, and as far as there are so many. Walks through all that are held. */
export function somePaths(cache: PathPages, wanted: number): string[] {
  return someKeys(cache.pages, wanted);
}

/** The page that would be given now, if there is one; looking does not keep it. */
export function holdsStill(cache: PathPages, path: string): Page | undefined {
  const held = peekAt(cache.pages, path);
  return held !== undefined && isFresh(held, isLive(), nowMs()) ? held : undefined;
}

export function readAgain(cache: PathPages, path: string): string | undefined {
  return cache.read(cache.idIn(path));
}

/** Decimal as the service itself writes ids: no other spelling of one may cost anybody anything. */
export function isProductId(text: string): boolean {
  if (text.length === 0 || text.length > ID_DIGITS_MAX) return false;
  for (let i = 1; i <= text.length; i++) {
    const character = string.byte(text, i) as number;
    if (character < 48 || character > 57 || (i === 1 && character === 48)) return false;
  }
  return true;
}

/** Whether the id is one, and of a product that has never been. */
export function isNever(id: string, atMs: number): boolean {
  return isProductId(id) && neverExisted(tonumber(id) as number, atMs);
}

function fill(this: void, path: string, { cache, id, live }: Asked): Filled {
  const askedAtMs = nowMs();
  // Without the stream Redis is probably gone, and nothing of it could be kept for long.
  const body = live ? cache.read(id) : undefined;
  if (body !== undefined) return filledFromRedis(body, askedAtMs);
  const changedAtMs = cache.changedAtMs.get(placeOf(id));
  const { missedAtMs } = cache;
  const knownMs = changedAtMs === undefined ? missedAtMs : math.max(changedAtMs, missedAtMs);
  return askOnce(path, knownMs, path, undefined);
}

function keep(this: void, path: string, filled: Filled, { cache }: Asked): void {
  if (mayBeKept(filled)) putInto(cache.pages, path, filled.page as Page);
}

function placeOf(id: string): number {
  return (tonumber(id) as number) % CHANGE_PLACES;
}
