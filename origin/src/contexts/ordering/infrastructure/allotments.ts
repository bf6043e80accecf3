import assert from "node:assert/strict";
import { isDuplicate, type Transaction } from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";
import type { OrderTransaction } from "../application/ports.ts";
import type { Allotment } from "../domain/allotment.ts";

export function allotmentsIn(
  tx: Transaction,
): Pick<OrderTransaction, "insertAllotment" | "lockAllotments" | "saveAllotment"> {
  return {
    insertAllotment: async ({ id, productId, total, available }) => {
      try {
        await tx.execute("INSERT INTO allotments (id, product_id, total, available) VALUES (?, ?, ?, ?)", [
          id,
          productId,
          total,
          available,
        ]);
        return true;
      } catch (error) {
        if (isDuplicate(error)) return false;
        throw error;
      }
    },
    lockAllotments: async (ids) => {
      if (ids.length === 0) return [];
      const rows = await tx.query<AllotmentRow>(
        "SELECT * FROM allotments FORCE INDEX (PRIMARY) WHERE id IN (?) ORDER BY id FOR UPDATE",
        [ids],
      );
      return rows.map(toAllotment);
    },
    saveAllotment: async ({ id, total, available, putBack, returned, closedAtMs }) => {
      await tx.execute(
        `UPDATE allotments SET total = ?, available = ?, put_back = ?, returned = ?, closed_at = ?,
           version = version + 1 WHERE id = ?`,
        [total, available, putBack, returned, closedAtMs === undefined ? null : toSqlTime(closedAtMs), id],
      );
    },
  };
}

/** A transaction that another context has begun. It is the platform's, which `public.ts` must not know. */
export function transactionOf(shared: { readonly inTransaction: true }): Transaction {
  assert(
    "query" in shared && "execute" in shared,
    "ordering takes part in transactions of the platform only",
  );
  return shared as Transaction;
}

interface AllotmentRow {
  readonly id: number;
  readonly product_id: number;
  readonly total: number;
  readonly available: number;
  readonly put_back: number;
  readonly returned: number;
  readonly closed_at: string | null;
  readonly version: number;
}

function toAllotment(row: AllotmentRow): Allotment {
  return {
    id: row.id,
    productId: row.product_id,
    total: row.total,
    available: row.available,
    putBack: row.put_back,
    returned: row.returned,
    closedAtMs: row.closed_at === null ? undefined : fromSqlTime(row.closed_at),
    version: row.version,
  };
}
