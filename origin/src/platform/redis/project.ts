import {
  type AccessEntry,
  CHANGE_ID,
  CHANGE_IDS_MAX,
  CHANGES_MAX_LENGTH,
  type ChangeKind,
} from "@sluice/contract/change.ts";
import {
  accessEntriesKey,
  buyerKey,
  changesKey,
  formerLikersKey,
  leaderKey,
  likersKey,
  likesKey,
  orderEventsKey,
  PART_PRODUCT,
  PART_STOCK,
  policyKey,
  productKey,
  sessionKey,
} from "@sluice/contract/keys.ts";
import { LIKERS_KEPT_MAX, memberOf } from "@sluice/contract/likes.ts";
import { type SaleDocument, salesKey } from "@sluice/contract/sale.ts";
import type { RedisStore } from "./connect.ts";
import { redisScript } from "./script.ts";

/**
 * One row's state on its way into Redis. Made by the functions below, so that the relay, its fills and the use
 * cases that project early cannot differ in key, version or document.
 */
export interface Projection {
  readonly shape: ProjectionShape;
  /** Without the prefix of all keys. */
  readonly key: string;
  /** Of the row, in the change stream; in a ranking, where many rows share a key, a user's behind the product's. */
  readonly id: string;
  /** The row's version; a string when it came from the binlog, where BIGINT is text. */
  readonly version: number | string;
  /** JSON; undefined makes a tombstone. */
  readonly document: string | undefined;
  readonly expiresAtMs: number;
}

/** What all rows of one kind have in common. One object each: rows are grouped by its identity. */
export interface ProjectionShape {
  readonly kind: ChangeKind | "buyer";
  /** The stream that is told of changes, after the prefix. */
  readonly stream: string;
  readonly layout: "entry" | "field" | "ranking";
  /** Prefix of the fields of an entry; the id is the field of layout `field`. */
  readonly fieldPrefix: string;
  readonly announcesDocument: boolean;
}

export interface Projecting {
  /** Of the relay that leads; Redis refuses everything when it is another's by now. */
  readonly token?: string;
  /** `refill` writes a document of the same version again when it looks different. */
  readonly mode?: "newer" | "refill";
  /** False when the edges will load everything afresh anyway. */
  readonly announced?: boolean;
}

type Part = Pick<Projection, "version" | "document"> & { readonly id: number | string };

const productShape = shape("product", PART_PRODUCT);
const stockShape = shape("stock", PART_STOCK);
const likesShape = shape("likes", "");
const likeShape: ProjectionShape = { ...shape("likes", ""), layout: "ranking" };
const sessionShape = shape("session", "");
const policyShape = shape("policy", "");
const buyerShape: ProjectionShape = { ...shape("buyer", ""), stream: orderEventsKey("") };
const accessShape: ProjectionShape = { ...shape("access", ""), layout: "field", announcesDocument: true };
const saleShape: ProjectionShape = { ...shape("sale", ""), layout: "field", announcesDocument: true };

export function productProjection({ id, version, document }: Part): Projection {
  return productPart(productShape, String(id), version, document);
}

export function stockProjection({ id, version, document }: Part): Projection {
  return productPart(stockShape, String(id), version, document);
}

/** How many like a product. */
export function likesProjection({ id, version, document }: Part): Projection {
  return {
    shape: likesShape,
    key: likesKey("", String(id)),
    id: String(id),
    version,
    document,
    expiresAtMs: 0,
  };
}

export interface LikeRow {
  readonly productId: string;
  readonly userId: string;
  readonly liked: boolean;
  /** It grows with every change of the row. */
  readonly actedAtMs: string;
}

/** Whether one user likes a product, ranked among all who do. */
export function likeProjection({ productId, userId, liked, actedAtMs }: LikeRow): Projection {
  return {
    shape: likeShape,
    key: likesKey("", productId),
    id: `${productId} ${memberOf(userId)}`,
    version: actedAtMs,
    document: liked ? "1" : undefined,
    expiresAtMs: 0,
  };
}

/** `document` is undefined once the session is revoked; `expiresAtMs` bounds both it and its tombstone. */
export function sessionProjection(session: Part & { readonly expiresAtMs: number }): Projection {
  const { version, document, expiresAtMs } = session;
  const id = String(session.id);
  return { shape: sessionShape, key: sessionKey("", id), id, version, document, expiresAtMs };
}

/** Told to the apis, on a stream of its own: the edge has no use for it. */
export function buyerProjection(buyer: Part & { readonly expiresAtMs: number }): Projection {
  const { version, document, expiresAtMs } = buyer;
  const id = String(buyer.id);
  return { shape: buyerShape, key: buyerKey("", id), id, version, document, expiresAtMs };
}

/** The field of an entry that says what has changed; an entry may have several. */
export const STREAM_FIELD_ID = CHANGE_ID;

export function policyProjection({ version, document }: Omit<Part, "id">): Projection {
  return { shape: policyShape, key: policyKey(""), id: "current", version, document, expiresAtMs: 0 };
}

export function accessEntryProjection(entry: AccessEntry): Projection {
  return {
    shape: accessShape,
    key: accessEntriesKey(""),
    id: String(entry.id),
    version: entry.version,
    document: JSON.stringify(entry),
    expiresAtMs: 0,
  };
}

export function saleProjection(sale: SaleDocument): Projection {
  return {
    shape: saleShape,
    key: salesKey(""),
    id: String(sale.id),
    version: sale.version,
    document: JSON.stringify(sale),
    expiresAtMs: 0,
  };
}

/** Applies one projection; true when it was news. */
export async function project(redis: RedisStore, projection: Projection): Promise<boolean> {
  const [applied] = await projectAll(redis, [projection]);
  return applied === true;
}

/** Redis serves nobody else while it runs a script: this many rows take it about a millisecond. */
const rowsPerCall = 256;

/**
 * Applies many in one round trip, in order. Throws on the first call that Redis refused; what came before it is
 * applied, and doing all of them again does no harm. Callers bound the batch.
 */
export async function projectAll(
  redis: RedisStore,
  projections: readonly Projection[],
  how: Projecting = {},
): Promise<boolean[]> {
  if (projections.length === 0) return [];
  const answers: Promise<unknown>[] = [];
  for (let start = 0; start < projections.length; ) {
    const { shape } = projections[start] as Projection;
    let end = start + 1;
    while (end < projections.length && end - start < rowsPerCall && projections[end]?.shape === shape) end++;
    answers.push(callFor(redis, projections.slice(start, end), shape, how));
    start = end;
  }
  return (await Promise.all(answers)).flatMap((answer) => Array.from(answer as string, (one) => one === "1"));
}

const script = redisScript(new URL("project.lua", import.meta.url));

/** All rows are of one shape. */
function callFor(
  redis: RedisStore,
  rows: readonly Projection[],
  shape: ProjectionShape,
  how: Projecting,
): Promise<unknown> {
  if (shape.layout === "ranking") return rank(redis, rows, shape, how);
  const { client, prefix } = redis;
  const { kind, stream, layout, fieldPrefix, announcesDocument } = shape;
  const { token = "", mode = "newer", announced = true } = how;
  const keys = [prefix + stream, leaderKey(prefix)];
  const args = [token, String(CHANGES_MAX_LENGTH), announced ? String(CHANGE_IDS_MAX) : "0", mode, layout];
  args.push(fieldPrefix, kind, announcesDocument ? "1" : "0");
  for (const { key, version, document, expiresAtMs, id } of rows) {
    keys.push(prefix + key);
    args.push(String(version), document ?? "", String(expiresAtMs), id);
  }
  return script.run(client, keys, args);
}

const rankScript = redisScript(new URL("rank.lua", import.meta.url));

function rank(
  { client, prefix }: RedisStore,
  rows: readonly Projection[],
  { kind, stream }: ProjectionShape,
  { token = "", announced = true }: Projecting,
): Promise<unknown> {
  const keys = [prefix + stream, leaderKey(prefix)];
  const args = [token, String(CHANGES_MAX_LENGTH), announced ? "1" : "0", kind, String(LIKERS_KEPT_MAX)];
  for (const { id, version, document } of rows) {
    const [product = "", member = ""] = id.split(" ");
    keys.push(likesKey(prefix, product), likersKey(prefix, product), formerLikersKey(prefix, product));
    args.push(product, member, String(version), document ?? "");
  }
  return rankScript.run(client, keys, args);
}

function productPart(
  shape: ProjectionShape,
  id: string,
  version: number | string,
  document: string | undefined,
): Projection {
  return { shape, key: productKey("", id), id, version, document, expiresAtMs: 0 };
}

function shape(kind: ProjectionShape["kind"], fieldPrefix: string): ProjectionShape {
  return { kind, stream: changesKey(""), layout: "entry", fieldPrefix, announcesDocument: false };
}
