/**
 * The reference for a sale: one transaction for each order, which locks the product's row first and holds it to its end.
 * It stands where the origin stands, behind the same edge: a process of its own that passes on to the api whatever is not
 * an order. An order leaves the rows that a sale's order leaves, in tables of the same form beside those of Sluice. It
 * checks the stock and what the buyer has got under the lock, and nothing else that costs.
 *
 * Arguments: port to listen on, port of the api, MySQL URL, product id, pieces that one buyer may have.
 */
import { createHash, randomUUID } from "node:crypto";
import { request as ask, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createPool, type PoolConnection, type ResultSetHeader, type RowDataPacket } from "mysql2/promise";

const [listenPort = "", apiPort = "", url = "", product = "", perUserMax = ""] = process.argv.slice(2);
const productId = Number(product);
/** As many as the api has. */
const pool = createPool({ uri: url, connectionLimit: 16 });

const server = createServer((request, response) => {
  if (request.method === "POST" && request.url === "/orders") {
    order(request, response).catch((error: unknown) => {
      response.writeHead(500, { "content-type": "application/json" }).end(JSON.stringify(String(error)));
    });
  } else passOn(request, response);
});
server.keepAliveTimeout = 75_000;
server.listen(Number(listenPort), "127.0.0.1", () => console.log("listening"));

function passOn(request: IncomingMessage, response: ServerResponse): void {
  const { method, url: path, headers } = request;
  const passed = ask({ host: "127.0.0.1", port: Number(apiPort), method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  passed.on("error", () => response.writeHead(502).end());
  request.pipe(passed);
}

async function order(request: IncomingMessage, response: ServerResponse): Promise<void> {
  for await (const _ of request);
  const userId = userOf(request);
  const connection = await pool.getConnection();
  try {
    await connection.query("START TRANSACTION");
    const orderId = await place(connection, userId);
    await connection.query("COMMIT");
    const status = orderId === undefined ? 409 : 201;
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ id: orderId }));
  } catch (error) {
    await connection.query("ROLLBACK");
    throw error;
  } finally {
    connection.release();
  }
}

/** The edge has verified the token. */
function userOf({ headers }: IncomingMessage): number {
  const payload = (headers.authorization ?? "").split(".")[1] ?? "";
  return Number((JSON.parse(Buffer.from(payload, "base64url").toString()) as { sub: string }).sub);
}

async function place(sql: PoolConnection, userId: number): Promise<string | undefined> {
  const [[stock]] = await sql.query<RowDataPacket[]>(
    "SELECT available FROM stock WHERE product_id = ? FOR UPDATE",
    [productId],
  );
  const [[got]] = await sql.query<RowDataPacket[]>(
    "SELECT quantity FROM sale_buyers WHERE sale_id = 1 AND user_id = ?",
    [userId],
  );
  if ((stock?.available ?? 0) < 1 || (got?.quantity ?? 0) >= Number(perUserMax)) return undefined;
  const id = randomUUID();
  const actor = `user:${userId}`;
  await sql.query(
    `INSERT INTO orders (id, user_id, status, total_cents, currency, created_at, expires_at, updated_at)
     VALUES (?, ?, 'PENDING_PAYMENT', 100, 'EUR', UTC_TIMESTAMP(6), '2099-01-01', UTC_TIMESTAMP(6))`,
    [id, userId],
  );
  await sql.query(
    "INSERT INTO order_lines (order_id, product_id, quantity, unit_price_cents) VALUES (?, ?, 1, 100)",
    [id, productId],
  );
  await sql.query(
    `INSERT INTO buyers (user_id, unpaid, events, updated_at) VALUES (?, 1, 2, UTC_TIMESTAMP(6))
     ON DUPLICATE KEY UPDATE unpaid = unpaid + 1, events = events + 2`,
    [userId],
  );
  await sql.query(
    `INSERT INTO order_history (order_id, user_id, event_number, from_status, to_status, actor, reason, created_at)
     VALUES (?, ?, UUID_SHORT(), NULL, 'CREATED', ?, 'placed', UTC_TIMESTAMP(6)),
            (?, ?, UUID_SHORT(), 'CREATED', 'PENDING_PAYMENT', ?, 'placed', UTC_TIMESTAMP(6))`,
    [id, userId, actor, id, userId, actor],
  );
  await sql.query(
    "INSERT INTO outbox (exchange, routing_key, message_id, payload) VALUES ('bare', 'bare', ?, ?)",
    [randomUUID(), JSON.stringify({ orderId: id })],
  );
  await sql.query(
    `INSERT INTO stock_movements (product_id, kind, quantity, order_id, actor, reason, created_at)
     VALUES (?, 'RESERVE', 1, ?, ?, 'placed', UTC_TIMESTAMP(6))`,
    [productId, id, actor],
  );
  await sql.query(
    "INSERT INTO sale_buyers (sale_id, user_id, quantity) VALUES (1, ?, 1) ON DUPLICATE KEY UPDATE quantity = quantity + 1",
    [userId],
  );
  await sql.query(
    `INSERT INTO sale_tickets (sale_id, ticket, user_id, quantity, outcome, reason, order_id, queue_ms, queue_number, decided_at)
     VALUES (1, ?, ?, 1, 'CONFIRMED', '', ?, 0, 0, UTC_TIMESTAMP(6))`,
    [createHash("md5").update(id).digest("hex"), userId, id],
  );
  const [{ affectedRows }] = await sql.query<ResultSetHeader>(
    "UPDATE stock SET available = available - 1, reserved = reserved + 1, version = version + 1 WHERE product_id = ?",
    [productId],
  );
  return affectedRows === 1 ? id : undefined;
}
