import type { SaleStatus } from "@sluice/contract/sale.ts";
import type { Database, Sql, Transaction } from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";
import type { SaleBook, SaleKeys, SaleTransaction } from "../application/ports.ts";
import type { Sale } from "../domain/sale.ts";

const columns = `id, product_id, price_cents, currency, total, per_user_max, per_second, buy_rate, countries,
  starts_at, ends_at, status, version`;

/** Of sales whose keys one process remembers. */
const keysHeldMax = 100;

const holdingPieces = "'SCHEDULED', 'OPEN', 'PAUSED', 'SOLD_OUT'";

/** Sales and what changed in them. */
export function salesOf(
  database: Database,
): Pick<SaleBook, "find" | "page" | "underWay" | "keysOf" | "piecesOf" | "changes"> {
  const held = new Map<number, SaleKeys>();
  return {
    find: (id) => findOne(database, id, ""),
    page: async (afterId, limit, drafts) => {
      const rows = await database.query<SaleRow>(
        `SELECT ${columns} FROM sales WHERE id > ? ${drafts ? "" : "AND status <> 'DRAFT'"} ORDER BY id LIMIT ?`,
        [afterId, limit],
      );
      return rows.map(toSale);
    },
    underWay: async () => {
      const rows = await database.query<SaleRow>(
        `SELECT ${columns} FROM sales WHERE status IN (${holdingPieces})
         UNION ALL SELECT ${columns} FROM sales s
         WHERE status = 'ENDED' AND id IN (SELECT a.id FROM allotments a WHERE a.closed_at IS NULL)`,
      );
      return rows.map(toSale);
    },
    keysOf: async (id) => {
      const known = held.get(id);
      if (known !== undefined) return known;
      const [row] = await database.query<SaleKeys>(
        `SELECT challenge_key AS challengeKey, token_key AS tokenKey, token_public AS tokenPublic
         FROM sales WHERE id = ?`,
        [id],
      );
      if (row === undefined) return undefined;
      if (held.size >= keysHeldMax) held.clear();
      held.set(id, row);
      return row;
    },
    piecesOf: async (id) => {
      const [row] = await database.query<PiecesRow>(
        "SELECT total, available, put_back, closed_at, version FROM allotments WHERE id = ?",
        [id],
      );
      if (row === undefined) return undefined;
      const { put_back: putBack, closed_at: closedAt, ...pieces } = row;
      return { ...pieces, putBack, closed: closedAt !== null };
    },
    changes: async (id, before, limit) => {
      const rows = await database.query<ChangeRow>(
        `SELECT version, document, actor, reason, created_at FROM sale_changes
         WHERE sale_id = ? AND version < ? ORDER BY version DESC LIMIT ?`,
        [id, before, limit],
      );
      return rows.map(({ document, created_at, ...row }) => ({
        ...row,
        document: JSON.parse(document) as unknown,
        nowMs: fromSqlTime(created_at),
      }));
    },
  };
}

export function salesIn(
  tx: Transaction,
): Pick<SaleTransaction, "insert" | "lock" | "save" | "setStatus" | "countUnderWay"> {
  return {
    insert: async (terms, keys, nowMs) => {
      const now = toSqlTime(nowMs);
      const { insertId } = await tx.execute(
        `INSERT INTO sales (product_id, price_cents, currency, total, per_user_max, per_second, buy_rate, countries,
           starts_at, ends_at, status, challenge_key, token_key, token_public, version, created_at, updated_at)
         VALUES (?)`,
        [
          [
            ...termsOf(terms),
            "DRAFT",
            ...[keys.challengeKey, keys.tokenKey, keys.tokenPublic],
            ...[0, now, now],
          ],
        ],
      );
      return insertId;
    },
    lock: (id) => findOne(tx, id, "FOR UPDATE"),
    save: async (sale, { actor, reason, nowMs }) => {
      const saved: Sale = { ...sale, version: sale.version + 1 };
      await tx.execute(
        `UPDATE sales SET product_id = ?, price_cents = ?, currency = ?, total = ?, per_user_max = ?, per_second = ?,
           buy_rate = ?, countries = ?, starts_at = ?, ends_at = ?, status = ?, version = ?, updated_at = ?
         WHERE id = ?`,
        [...termsOf(saved), saved.status, saved.version, toSqlTime(nowMs), saved.id],
      );
      await tx.execute(
        "INSERT INTO sale_changes (sale_id, version, document, actor, reason, created_at) VALUES (?)",
        [[saved.id, saved.version, JSON.stringify(saved), actor, reason, toSqlTime(nowMs)]],
      );
      return saved;
    },
    setStatus: async (id, status) => {
      await tx.execute("UPDATE sales SET status = ?, version = version + 1 WHERE id = ?", [status, id]);
    },
    countUnderWay: async () => {
      const [row] = await tx.query<{ sales: number }>(
        `SELECT COUNT(*) AS sales FROM sales WHERE status IN (${holdingPieces})`,
      );
      return row?.sales ?? 0;
    },
  };
}

async function findOne(sql: Sql, id: number, locking: "" | "FOR UPDATE"): Promise<Sale | undefined> {
  const [row] = await sql.query<SaleRow>(`SELECT ${columns} FROM sales WHERE id = ? ${locking}`, [id]);
  return row === undefined ? undefined : toSale(row);
}

/** Shares are kept as whole ten-thousandths. */
export const buyRateScale = 10_000;

function termsOf(sale: Omit<Sale, "id" | "status" | "version">) {
  return [
    ...[sale.productId, sale.priceCents, sale.currency, sale.total, sale.perUserMax, sale.perSecond],
    ...[Math.round(sale.buyRate * buyRateScale), sale.countries.join(" ")],
    ...[toSqlTime(sale.startsAtMs), toSqlTime(sale.endsAtMs)],
  ];
}

interface SaleRow {
  readonly id: number;
  readonly product_id: number;
  readonly price_cents: number;
  readonly currency: string;
  readonly total: number;
  readonly per_user_max: number;
  readonly per_second: number;
  readonly buy_rate: number;
  readonly countries: string;
  readonly starts_at: string;
  readonly ends_at: string;
  readonly status: SaleStatus;
  readonly version: number;
}

function toSale(row: SaleRow): Sale {
  return {
    id: row.id,
    productId: row.product_id,
    priceCents: row.price_cents,
    currency: row.currency,
    total: row.total,
    perUserMax: row.per_user_max,
    perSecond: row.per_second,
    buyRate: row.buy_rate / buyRateScale,
    countries: row.countries === "" ? [] : row.countries.split(" "),
    startsAtMs: fromSqlTime(row.starts_at),
    endsAtMs: fromSqlTime(row.ends_at),
    status: row.status,
    version: row.version,
  };
}

interface PiecesRow {
  readonly total: number;
  readonly available: number;
  readonly put_back: number;
  readonly closed_at: string | null;
  readonly version: number;
}

interface ChangeRow {
  readonly version: number;
  readonly document: string;
  readonly actor: string;
  readonly reason: string;
  readonly created_at: string;
}
