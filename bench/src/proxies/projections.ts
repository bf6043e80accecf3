/**
 * What the relay would have written to Redis, written directly: lists, policy and sessions under one prefix.
 */
import type { AccessEntry } from "@sluice/contract/change.ts";
import {
  accessEntriesKey,
  FIELD_DOCUMENT,
  FIELD_VERSION,
  FILTER_BITS,
  FILTER_EPOCH,
  FILTER_GENERATION,
  FILTER_HASHES,
  FILTER_HIGHEST,
  filterBitsKey,
  filterKey,
  PART_PRODUCT,
  PART_STOCK,
  PRODUCTS_FILTER,
  policyKey,
  productKey,
  readyKey,
  relayCurrentKey,
  sessionKey,
} from "@sluice/contract/keys.ts";
import { addMember, filterEpoch, membershipShape } from "@sluice/contract/membership.ts";
import type { PolicyDocument } from "@sluice/contract/policy/document.ts";
import type { ProductPart, StockPart } from "@sluice/contract/product-page.ts";
import { Redis } from "ioredis";
import type { Session } from "./tokens.ts";

export interface Projections {
  prefix: string;
  denied: readonly string[];
  /** Under which prefix the very same list stands already: it is copied. */
  deniedAt?: string | undefined;
  policy: PolicyDocument;
  sessions: readonly Session[];
  products?: readonly Product[];
  /** Ids that the filter of products knows; without it there is none. */
  filtered?: readonly number[];
}

export interface Product {
  product: ProductPart;
  stock: StockPart;
}

const EPOCH = "bench";
const FIELDS_PER_COMMAND = 5000;

export async function writeProjections(
  redisUrl: string,
  { prefix, denied, deniedAt, policy, sessions, products = [], filtered }: Projections,
): Promise<void> {
  const redis = new Redis(redisUrl);
  try {
    if (deniedAt === undefined) await writeDenied(redis, prefix, denied);
    else await redis.copy(accessEntriesKey(deniedAt), accessEntriesKey(prefix));
    await redis.hset(policyKey(prefix), FIELD_VERSION, 1, FIELD_DOCUMENT, JSON.stringify(policy));
    const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
    const pipeline = redis.pipeline();
    for (const { id, userId } of sessions) {
      const document = JSON.stringify({ userId: Number(userId), expiresAt });
      pipeline.hset(sessionKey(prefix, id), FIELD_VERSION, 1, FIELD_DOCUMENT, document);
    }
    for (const { product, stock } of products) {
      const key = productKey(prefix, String(product.id));
      pipeline.hset(
        key,
        PART_PRODUCT + FIELD_VERSION,
        1,
        PART_PRODUCT + FIELD_DOCUMENT,
        JSON.stringify(product),
      );
      pipeline.hset(key, PART_STOCK + FIELD_VERSION, 1, PART_STOCK + FIELD_DOCUMENT, JSON.stringify(stock));
    }
    await pipeline.exec();
    if (filtered !== undefined) await writeFilter(redis, prefix, filtered);
    await redis.set(relayCurrentKey(prefix), "1");
    await redis.set(readyKey(prefix), EPOCH);
  } finally {
    redis.disconnect();
  }
}

async function writeFilter(redis: Redis, prefix: string, ids: readonly number[]): Promise<void> {
  const shape = membershipShape(ids.length, 0.001);
  const bytes = Buffer.alloc(shape.bits / 8);
  for (const id of ids) addMember(bytes, shape, id);
  await redis.set(filterBitsKey(prefix, PRODUCTS_FILTER, EPOCH), bytes);
  await redis.hset(filterKey(prefix, PRODUCTS_FILTER), {
    [FILTER_GENERATION]: EPOCH,
    [FILTER_EPOCH]: filterEpoch(EPOCH),
    [FILTER_BITS]: shape.bits,
    [FILTER_HASHES]: shape.hashes,
    [FILTER_HIGHEST]: Math.max(...ids),
  });
}

async function writeDenied(redis: Redis, prefix: string, denied: readonly string[]): Promise<void> {
  for (let from = 0; from < denied.length; from += FIELDS_PER_COMMAND) {
    const fields = denied.slice(from, from + FIELDS_PER_COMMAND).flatMap((cidr, index) => {
      const id = from + index + 1;
      const entry: AccessEntry = { id, list: "deny", cidr, expiresAtMs: 0, removed: false, version: 1 };
      return [String(id), JSON.stringify(entry)];
    });
    await redis.hset(accessEntriesKey(prefix), ...fields);
  }
}
