import { type Database, isRowHeld, type Transaction } from "../../../platform/mysql/database.ts";
import { orderLimits } from "../application/limits.ts";
import type { HeldRows } from "../application/ports.ts";

export async function placing<T>(
  database: Database,
  work: (tx: Transaction) => Promise<T>,
): Promise<T | "held"> {
  try {
    return await database.transaction(work, { lockWaitSeconds: orderLimits.placingLockWaitSeconds });
  } catch (error) {
    if (isRowHeld(error)) return "held";
    throw error;
  }
}

/** Those that are there, and are passed by when they are to be locked. */
export function findHeld(database: Database, { productIds, userIds }: HeldRows): Promise<HeldRows> {
  return database.transaction(async (tx) => ({
    productIds: await heldIn(tx, "stock", "product_id", productIds),
    userIds: await heldIn(tx, "buyers", "user_id", userIds),
  }));
}

async function heldIn(
  tx: Transaction,
  table: "stock" | "buyers",
  key: string,
  ids: readonly number[],
): Promise<number[]> {
  if (ids.length === 0) return [];
  const select = `SELECT ${key} AS id FROM ${table} FORCE INDEX (PRIMARY) WHERE ${key} IN (?)`;
  const there = await tx.query<{ id: number }>(select, [ids]);
  const free = await tx.query<{ id: number }>(`${select} ORDER BY ${key} FOR UPDATE SKIP LOCKED`, [ids]);
  const freeIds = new Set(free.map(({ id }) => id));
  return there.map(({ id }) => id).filter((id) => !freeIds.has(id));
}
