import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type AccessEntry, CHANGES_MAX_LENGTH, type ChangeKind } from "@sluice/contract/change.ts";
import {
  accessEntriesKey,
  changesKey,
  PART_PRODUCT,
  PART_STOCK,
  policyKey,
  productKey,
  sessionKey,
} from "@sluice/contract/keys.ts";
import type { RedisStore } from "./connect.ts";

/**
 * One row's state on its way into Redis. Made by the functions below, so that the relay, the snapshot and
 * the use cases that project early cannot differ in key, version or document.
 */
export interface Projection {
  readonly key: (prefix: string) => string;
  readonly layout: "entry" | "field";
  /** Prefix of the fields (entry) or the field itself (field). */
  readonly name: string;
  /** The row's version; a string when it came from the binlog, where BIGINT is text. */
  readonly version: number | string;
  /** JSON; undefined makes a tombstone. */
  readonly document: string | undefined;
  readonly expiresAtMs: number;
  readonly kind: ChangeKind;
  readonly id: string;
  readonly announcesDocument: boolean;
}

type Part = Pick<Projection, "version" | "document"> & { readonly id: number | string };

export function productProjection({ id, version, document }: Part): Projection {
  return productPart("product", PART_PRODUCT, String(id), version, document);
}

export function stockProjection({ id, version, document }: Part): Projection {
  return productPart("stock", PART_STOCK, String(id), version, document);
}

/** `document` is undefined once the session is revoked; `expiresAtMs` bounds both it and its tombstone. */
export function sessionProjection(session: Part & { readonly expiresAtMs: number }): Projection {
  const id = String(session.id);
  return {
    ...entry((prefix) => sessionKey(prefix, id), "", session.version, session.document),
    expiresAtMs: session.expiresAtMs,
    kind: "session",
    id,
  };
}

export function policyProjection({ version, document }: Omit<Part, "id">): Projection {
  return { ...entry(policyKey, "", version, document), kind: "policy", id: "current" };
}

export function accessEntryProjection(accessEntry: AccessEntry): Projection {
  return {
    ...entry(accessEntriesKey, String(accessEntry.id), accessEntry.version, JSON.stringify(accessEntry)),
    layout: "field",
    kind: "access",
    id: String(accessEntry.id),
    announcesDocument: true,
  };
}

/** Applies one projection; true when it was news. */
export async function project(redis: RedisStore, projection: Projection): Promise<boolean> {
  const [applied] = await projectAll(redis, [projection]);
  return applied === true;
}

/**
 * Applies many in one round trip, in order. Throws on the first that Redis refused; what came before it is
 * applied, and doing all of them again does no harm. Callers bound the batch.
 */
export async function projectAll(redis: RedisStore, projections: readonly Projection[]): Promise<boolean[]> {
  if (projections.length === 0) return [];
  try {
    return await pipelined(redis, projections);
  } catch (error) {
    // A restarted Redis has forgotten the script; nothing of the batch can have been applied newer.
    if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
    await redis.client.script("LOAD", script);
    return await pipelined(redis, projections);
  }
}

const script = readFileSync(new URL("project.lua", import.meta.url), "utf8");
const scriptSha = createHash("sha1").update(script).digest("hex");

async function pipelined(redis: RedisStore, projections: readonly Projection[]): Promise<boolean[]> {
  const pipeline = redis.client.pipeline();
  for (const projection of projections) {
    pipeline.evalsha(
      scriptSha,
      2,
      projection.key(redis.prefix),
      changesKey(redis.prefix),
      projection.layout,
      projection.name,
      String(projection.version),
      projection.document ?? "",
      String(projection.expiresAtMs),
      projection.kind,
      projection.id,
      projection.announcesDocument ? "1" : "0",
      String(CHANGES_MAX_LENGTH),
    );
  }
  const results = (await pipeline.exec()) ?? [];
  return results.map(([error, applied]) => {
    if (error !== null) throw error;
    return applied === 1;
  });
}

function productPart(
  kind: "product" | "stock",
  part: string,
  id: string,
  version: number | string,
  document: string | undefined,
): Projection {
  return { ...entry((prefix) => productKey(prefix, id), part, version, document), kind, id };
}

function entry(
  key: (prefix: string) => string,
  name: string,
  version: number | string,
  document: string | undefined,
): Omit<Projection, "kind" | "id"> {
  return { key, layout: "entry", name, version, document, expiresAtMs: 0, announcesDocument: false };
}
