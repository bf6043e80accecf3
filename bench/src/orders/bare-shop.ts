import { createConnection } from "mysql2/promise";
import type { WholeSystem } from "../whole-system.ts";

const PIECES = 100_000_000;

/** Products with more pieces than anybody will order; their ids. */
export async function putOnSale(system: WholeSystem, products: number): Promise<number[]> {
  const ids: number[] = [];
  for (let n = 1; n <= products; n++) {
    const product = { name: `Product ${n}`, priceCents: 100, currency: "EUR", stock: PIECES };
    ids.push(Number((await system.operator("/products", product)).id));
  }
  return ids;
}

const BARE = "sluice_bare";

/** Tables of the same form in a database of their own, which neither relay nor worker looks at. */
export async function openBareShop(
  { mysqlRoot, origin }: WholeSystem,
  productIds: readonly number[],
  more: readonly string[] = [],
): Promise<string> {
  const sql = await createConnection(mysqlRoot);
  await sql.query(`CREATE DATABASE ${BARE}`);
  await sql.query(`GRANT ALL PRIVILEGES ON ${BARE}.* TO 'sluice'@'%'`);
  for (const table of [...TABLES, ...more]) await sql.query(`CREATE TABLE ${BARE}.${table} LIKE ${table}`);
  await sql.query(`INSERT INTO ${BARE}.stock SELECT * FROM stock WHERE product_id IN (?)`, [productIds]);
  await sql.end();
  const url = new URL(origin.MYSQL_URL as string);
  url.pathname = `/${BARE}`;
  return url.toString();
}

/** Those in which an order leaves rows. */
const TABLES = [
  "order_idempotency",
  "buyers",
  "orders",
  "order_lines",
  "order_history",
  "outbox",
  "stock_movements",
  "stock",
];
