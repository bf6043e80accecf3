import { CHANGE_DOCUMENT, CHANGE_ID, CHANGE_KIND, type ChangeKind } from "@sluice/contract/change.ts";
import { forgetLikes } from "../cache/likes.ts";
import { loadFilter, noteProduct } from "../cache/product-filter.ts";
import { beginGeneration } from "../cache/product-lists.ts";
import { forgetProduct } from "../cache/products.ts";
import { logWarning } from "../platform/log.ts";
import type { Connection } from "../platform/redis.ts";
import { currentLists } from "../policies/access.ts";
import { applyEntry } from "../policies/access-lists.ts";
import { noteEntry } from "../policies/snapshot.ts";
import { applySale } from "../sales/sales.ts";
import { forgetSession } from "../token/sessions.ts";
import { loadPolicy } from "./load.ts";

/** `applied`: go on behind it. `reload`: everything must be loaded afresh. Else the error of Redis. */
export type Applied = "applied" | "reload";

/** Applies one entry of the change stream; `fields` is name, value, and again: a kind, then its changes. */
export function applyChange(
  redis: Connection,
  prefix: string,
  epoch: string,
  changeId: string,
  fields: string[],
): LuaMultiReturn<[Applied, undefined] | [undefined, string]> {
  const kind = fields[0] === CHANGE_KIND ? (fields[1] as ChangeKind) : undefined;
  switch (kind) {
    case "product":
      forEachId(fields, noteProduct);
      forEachId(fields, forgetProduct);
      // Of a product that was not there, its likes were not either.
      forEachId(fields, forgetLikes);
      beginGeneration(changeId);
      break;
    case "likes":
      forEachId(fields, forgetLikes);
      break;
    case "stock":
      forEachId(fields, forgetProduct);
      break;
    case "session":
      forEachId(fields, forgetSession);
      break;
    case "policy": {
      const failure = loadPolicy(redis, prefix);
      if (failure !== undefined) return $multi(undefined, failure);
      break;
    }
    case "access":
      applyEntries(fields);
      break;
    case "filter": {
      const failure = loadFilter(redis, prefix, epoch);
      if (failure !== undefined) return $multi(undefined, failure);
      break;
    }
    case "sale":
      applySales(fields);
      break;
    case "epoch":
      return $multi("reload", undefined);
    default:
      logWarning(`change ${changeId} has an unknown kind`);
  }
  return $multi("applied", undefined);
}

function forEachId(fields: string[], forget: (this: void, id: string) => void): void {
  for (let i = 2; i + 1 < fields.length; i += 2) {
    if (fields[i] === CHANGE_ID) forget(fields[i + 1] as string);
  }
}

function applyEntries(fields: string[]): void {
  for (let i = 2; i + 1 < fields.length; i += 2) {
    const document = fields[i + 1] as string;
    if (fields[i] === CHANGE_DOCUMENT && applyEntry(currentLists(), document)) noteEntry(document);
  }
}

function applySales(fields: string[]): void {
  for (let i = 2; i + 1 < fields.length; i += 2) {
    if (fields[i] === CHANGE_DOCUMENT) applySale(fields[i + 1] as string);
  }
}
