import { type SaleDocument, type SaleStatus, statusAt } from "@sluice/contract/sale.ts";
import { decode } from "cjson.safe";
import { nowMs } from "../platform/clock.ts";
import { logError } from "../platform/log.ts";

/** A sale as this worker holds it, with what it has learnt of it. */
export interface HeldSale {
  id: string;
  document: SaleDocument;
  /** Empty when all may buy. */
  countries: LuaTable<string, boolean>;
  anyCountry: boolean;
  /** Redis had no piece left; until then it is not asked again. */
  soldOutUntilMs: number;
  /** Redis has admitted as many as it may; until then it is not asked again. */
  crowdedUntilMs: number;
  /** Since when nobody was let in, whatever the reason. */
  refusingSinceMs: number;
  /** When the next request that is passed on to Redis would be on time. */
  passDueMs: number;
}

/**
 * Every sale, in the memory of one worker, by its id and by the paths that concern it. The change stream brings what
 * changes; newer versions win, so applying one twice is harmless.
 *
 * @perWorker
 */
let byId = new LuaTable<string, HeldSale>();
/** @perWorker */
let byPath = new LuaTable<string, HeldSale>();
/** @perWorker */
let ids: string[] = [];

/** @hot */
export function saleByPath(path: string): HeldSale | undefined {
  return byPath.get(path);
}

export function saleById(id: string): HeldSale | undefined {
  return byId.get(id);
}

/** In the order of ids. */
export function saleIds(): string[] {
  return ids;
}

export function forgetSales(): void {
  byId = new LuaTable();
  byPath = new LuaTable();
  ids = [];
}

/** `text` is a `SaleDocument`. */
export function applySale(text: string): void {
  const [parsed, failure] = decode(text);
  if (failure !== undefined) {
    logError("a sale in the change stream is not JSON; the one before stays in force");
    return;
  }
  const document = parsed as SaleDocument;
  const id = string.format("%d", document.id);
  const before = byId.get(id);
  if (before !== undefined && before.document.version >= document.version) return;
  const held = before === undefined ? newSale(id, document) : before;
  held.document = document;
  held.countries = new LuaTable();
  for (const country of document.countries) held.countries.set(country, true);
  held.anyCountry = document.countries.length === 0;
  held.soldOutUntilMs = 0;
  held.crowdedUntilMs = 0;
  const open = statusOf(held) === "OPEN";
  if (open) held.refusingSinceMs = 0;
  else if (held.refusingSinceMs === 0) held.refusingSinceMs = nowMs();
}

function newSale(id: string, document: SaleDocument): HeldSale {
  const held: HeldSale = {
    id,
    document,
    countries: new LuaTable(),
    anyCountry: true,
    soldOutUntilMs: 0,
    crowdedUntilMs: 0,
    // Whatever was handed out before is unknown to a worker that has just begun.
    refusingSinceMs: nowMs(),
    passDueMs: 0,
  };
  byId.set(id, held);
  byPath.set(`/flash-sales/${id}`, held);
  byPath.set(`/flash-sales/${id}/challenges`, held);
  byPath.set(`/flash-sales/${id}/purchases`, held);
  ids.push(id);
  table.sort(ids, (a, b) => (tonumber(a) as number) < (tonumber(b) as number));
  return held;
}

/** By the clock, whatever was written down. @hot */
export function statusOf(held: HeldSale): SaleStatus {
  return statusAt(held.document, nowMs());
}
