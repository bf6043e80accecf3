import { type Database, isDuplicate, type SqlValue } from "../../../platform/mysql/database.ts";
import { toSqlTime } from "../../../platform/mysql/time.ts";
import type { Products } from "../application/ports.ts";
import type { NewProduct, Product, ProductStatus } from "../domain/product.ts";

const columns = "id, name, description, price_cents, currency, status";

export function productsIn(database: Database): Products {
  const find = async (condition: string, values: readonly SqlValue[]) => {
    const [row] = await database.query<ProductRow>(
      `SELECT ${columns} FROM products WHERE ${condition}`,
      values,
    );
    return row === undefined ? undefined : toProduct(row);
  };
  return {
    page: async (afterId, limit) => {
      const rows = await database.query<ProductRow>(
        `SELECT ${columns} FROM products WHERE status = 'active' AND id > ? ORDER BY id LIMIT ?`,
        [afterId, limit],
      );
      return rows.map(toProduct);
    },
    find: (id) => find("id = ?", [id]),
    findActive: (id) => find("id = ? AND status = 'active'", [id]),
    insertDraft: (product, nowMs) => insertDraft(database, null, product, nowMs),
    insertDraftAs: async (id, product, nowMs) => {
      try {
        await insertDraft(database, id, product, nowMs);
        return true;
      } catch (error) {
        if (isDuplicate(error)) return false;
        throw error;
      }
    },
    activate: async (id, nowMs) => {
      await database.execute(
        `UPDATE products SET status = 'active', updated_at = ?, version = version + 1
         WHERE id = ? AND status = 'draft'`,
        [toSqlTime(nowMs), id],
      );
    },
    change: async (id, { name, description, priceCents, status }, nowMs) => {
      const { affectedRows } = await database.execute(
        `UPDATE products
         SET name = COALESCE(?, name), description = COALESCE(?, description),
             price_cents = COALESCE(?, price_cents), status = COALESCE(?, status),
             updated_at = ?, version = version + 1
         WHERE id = ? AND status <> 'draft'`,
        [name ?? null, description ?? null, priceCents ?? null, status ?? null, toSqlTime(nowMs), id],
      );
      return affectedRows === 1;
    },
  };
}

/** Prices of active products, for whoever sells them. */
export function pricesIn(database: Database) {
  return async (productIds: readonly number[]) => {
    const rows = await database.query<Pick<ProductRow, "id" | "price_cents" | "currency">>(
      "SELECT id, price_cents, currency FROM products WHERE id IN (?) AND status = 'active'",
      [productIds],
    );
    return new Map(rows.map((row) => [row.id, { priceCents: row.price_cents, currency: row.currency }]));
  };
}

/** Without an id the database gives one. */
async function insertDraft(
  database: Database,
  id: number | null,
  { name, description, priceCents, currency }: NewProduct,
  nowMs: number,
): Promise<number> {
  const now = toSqlTime(nowMs);
  const { insertId } = await database.execute(
    `INSERT INTO products (id, name, description, price_cents, currency, status, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, 'draft', ?, ?)`,
    [id, name, description, priceCents, currency, now, now],
  );
  return insertId;
}

interface ProductRow {
  readonly id: number;
  readonly name: string;
  readonly description: string;
  readonly price_cents: number;
  readonly currency: string;
  readonly status: ProductStatus;
}

function toProduct({ price_cents: priceCents, ...row }: ProductRow): Product {
  return { ...row, priceCents };
}
