import { CHANGE_DOCUMENT, CHANGE_ID, CHANGE_KIND, type ChangeKind } from "@sluice/contract/change.ts";
import { beginGeneration } from "../cache/product-lists.ts";
import { forgetProduct } from "../cache/products.ts";
import { logWarning } from "../platform/log.ts";
import type { Connection } from "../platform/redis.ts";
import { currentLists } from "../policies/access.ts";
import { applyEntry } from "../policies/access-lists.ts";
import { markSnapshotDirty } from "../policies/snapshot.ts";
import { forgetSession } from "../token/sessions.ts";
import { loadPolicy } from "./load.ts";

/** `applied`: go on behind it. `reload`: everything must be loaded afresh. Else the error of Redis. */
export type Applied = "applied" | "reload";

/** Applies one entry of the change stream; `fields` is name, value, and again. */
export function applyChange(
  redis: Connection,
  prefix: string,
  changeId: string,
  fields: string[],
): LuaMultiReturn<[Applied, undefined] | [undefined, string]> {
  let kind = "";
  let id = "";
  let document: string | undefined;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i];
    if (name === CHANGE_KIND) kind = fields[i + 1] as string;
    else if (name === CHANGE_ID) id = fields[i + 1] as string;
    else if (name === CHANGE_DOCUMENT) document = fields[i + 1];
  }
  switch (kind as ChangeKind) {
    case "product":
      forgetProduct(id);
      beginGeneration(changeId);
      break;
    case "stock":
      forgetProduct(id);
      break;
    case "session":
      forgetSession(id);
      break;
    case "policy": {
      const failure = loadPolicy(redis, prefix);
      if (failure !== undefined) return $multi(undefined, failure);
      break;
    }
    case "access":
      if (document !== undefined && applyEntry(currentLists(), document)) markSnapshotDirty();
      break;
    case "epoch":
      return $multi("reload", undefined);
    default:
      logWarning(`change ${changeId} has an unknown kind`);
  }
  return $multi("applied", undefined);
}
