import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { createConnection } from "mysql2/promise";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
} from "../../../../../cli/src/services/for-tests.ts";
import { startTestShop } from "../../../../test/start-shop.ts";
import { runAudits } from "../../../platform/audit.ts";
import { openDatabase } from "../../../platform/mysql/database.ts";
import { outboxAudits } from "../../../platform/outbox/audits.ts";
import { orderingAudits } from "./audits.ts";

const services = await startTestServices();
const testDatabase = await createTestDatabase(services);
const prefix = await createTestRedisPrefix(services);
const vhost = await createTestVhost(services);
const shop = await startTestShop({
  mysqlUrl: testDatabase.url,
  redisUrl: prefix.url,
  redisPrefix: prefix.prefix,
  rabbitmqUrl: vhost.url,
});
const database = openDatabase(testDatabase.url);
const sql = await createConnection(testDatabase.url);
const buyer = await shop.join();

after(async () => {
  await sql.end();
  await database.close();
  await shop.close();
  await prefix.close();
  await vhost.close();
  await testDatabase.close();
  await services.close();
});

/** One order in each state that the audits tell apart. */
async function sell() {
  const product = await shop.product(20);
  const place = async (key = randomUUID()) => {
    const placed = await buyer.order([{ productId: product, quantity: 2 }], key);
    assert.equal(placed.status, 201);
    return placed.body.id as string;
  };
  const [open, paid, refunded, cancelled] = [await place(), await place(), await place(), await place()];
  await buyer.post(`/orders/${paid}/pay`);
  await buyer.post(`/orders/${refunded}/pay`);
  await buyer.post(`/orders/${refunded}/refund`);
  await buyer.post(`/orders/${cancelled}/cancel`);
  return { product, open, paid };
}

type Sold = Awaited<ReturnType<typeof sell>>;

/** A wrong that could be done to the data, and the audits that must see it. */
const wrongs: [string, (sold: Sold) => [string, unknown[]], RegExp[]][] = [
  [
    "a piece that was lost",
    ({ product }) => ["UPDATE stock SET available = available - 1 WHERE product_id = ?", [product]],
    [/available \+ reserved \+ sold = total/, /sums of the ledger/],
  ],
  [
    "pieces that went from reserved to available without an order",
    ({ product }) => [
      "UPDATE stock SET available = available + 2, reserved = reserved - 2 WHERE product_id = ?",
      [product],
    ],
    [/sums of the ledger/, /reserved is what unpaid/],
  ],
  [
    "a sale without an order",
    ({ product }) => [
      "UPDATE stock SET available = available - 1, sold = sold + 1 WHERE product_id = ?",
      [product],
    ],
    [/sums of the ledger/, /sold is what paid/],
  ],
  [
    "an order without lines",
    ({ open }) => ["DELETE FROM order_lines WHERE order_id = ?", [open]],
    [/reserved is what unpaid/, /each has lines/],
  ],
  [
    "a state that was changed by hand",
    ({ paid }) => ["UPDATE orders SET status = 'EXPIRED' WHERE id = ?", [paid]],
    [/sold is what paid/, /last history row/, /reserved once, and settled/, /one payment that succeeded/],
  ],
  [
    "an order that never expired",
    ({ open }) => [
      "UPDATE orders SET expires_at = UTC_TIMESTAMP(6) - INTERVAL 20 SECOND WHERE id = ?",
      [open],
    ],
    [/none is unpaid/],
  ],
  [
    "a movement that was struck from the ledger",
    ({ paid }) => ["DELETE FROM stock_movements WHERE order_id = ? AND kind = 'SELL'", [paid]],
    [/sums of the ledger/, /reserved once, and settled/],
  ],
  [
    "a step that was struck from the history",
    ({ paid }) => ["DELETE FROM order_history WHERE order_id = ? AND to_status = 'CREATED'", [paid]],
    [/numbered without gaps/],
  ],
  [
    "a buyer who could have one more unpaid order than they have",
    () => ["UPDATE buyers SET unpaid = unpaid - 1", []],
    [/count of unpaid orders/],
  ],
  [
    "a paid order without its payment",
    ({ paid }) => ["UPDATE payments SET status = 'DECLINED' WHERE order_id = ?", [paid]],
    [/one payment that succeeded/],
  ],
  [
    "a payment of another amount",
    ({ paid }) => ["UPDATE payments SET amount_cents = 1 WHERE order_id = ?", [paid]],
    [/the amount is the order's/],
  ],
  [
    "money that went back and is not written down",
    () => ["DELETE FROM refunds", []],
    [/never more than their payment/],
  ],
  [
    "a refund that is not done, of a payment that is said to be back",
    () => ["UPDATE refunds SET status = 'FAILED'", []],
    [/when all of them are done/],
  ],
  [
    "a key without its order",
    ({ open }) => ["UPDATE order_idempotency SET order_id = ? WHERE order_id = ?", [randomUUID(), open]],
    [/each key has its order/],
  ],
  [
    "money that is owed for two hours",
    ({ paid }) => [
      `INSERT INTO refunds (id, payment_id, order_id, amount_cents, currency, status, attempt, actor, reason, failure,
         created_at, updated_at)
       SELECT UUID(), id, order_id, 1, currency, 'DUE', 1, 'test', '', '', created_at,
              UTC_TIMESTAMP(6) - INTERVAL 2 HOUR FROM payments WHERE order_id = ?`,
      [paid],
    ],
    [/no refund is owed/],
  ],
  [
    "a payment of which nobody knows for two hours what became of it",
    ({ open }) => [
      `INSERT INTO payments (id, order_id, provider, method, status, amount_cents, currency, reason, next_check_at,
         created_at, updated_at)
       SELECT UUID(), id, 'sandbox', 'sandbox', 'STARTED', total_cents, currency, '', UTC_TIMESTAMP(6),
              UTC_TIMESTAMP(6) - INTERVAL 2 HOUR, UTC_TIMESTAMP(6) FROM orders WHERE id = ?`,
      [open],
    ],
    [/none is undecided/],
  ],
  [
    "an order without its expiry message",
    ({ open }) => ["DELETE FROM outbox WHERE subject = ?", [`order:${open}`]],
    [/each order has its expiry message/],
  ],
  [
    "a message that the broker has lost",
    ({ paid }) => [
      `UPDATE outbox m JOIN orders o ON o.id = ?
       SET m.published_at = UTC_TIMESTAMP(6) - INTERVAL 1 HOUR, o.expires_at = UTC_TIMESTAMP(6) - INTERVAL 20 MINUTE
       WHERE m.subject = CONCAT('order:', o.id)`,
      [paid],
    ],
    [/what was published is received/],
  ],
  [
    "a message that is parked",
    () => [
      `INSERT INTO parked_messages (queue, message_id, headers, body, body_bytes, reason, parked_at)
       VALUES ('q', '', '{}', '{', 1, 'unreadable', UTC_TIMESTAMP(6))`,
      [],
    ],
    [/none is parked/],
  ],
  [
    "a receipt of no order",
    ({ paid }) => [
      `INSERT INTO expiry_receipts (message_id, order_id, outcome, received_at)
       SELECT message_id, UUID(), 'expired', UTC_TIMESTAMP(6) FROM outbox WHERE subject = CONCAT('order:', ?)`,
      [paid],
    ],
    [/orphans/],
  ],
  [
    "a message that nobody published",
    () => ["UPDATE outbox SET published_at = NULL, created_at = UTC_TIMESTAMP(6) - INTERVAL 90 SECOND", []],
    [/nothing waits/],
  ],
];

for (const [wrong, statement, seenBy] of wrongs) {
  test(`the audit sees ${wrong}`, async () => {
    const sold = await sell();
    assert.deepEqual(await broken(), [], "all is well before");
    await sql.beginTransaction();
    await sql.query("SET SESSION check_constraint_checks = 0");
    await sql.query(...statement(sold));
    await sql.commit();
    const names = await broken();
    assert.equal(names.length, seenBy.length, names.join("\n"));
    for (const pattern of seenBy)
      assert.ok(
        names.some((name) => pattern.test(name)),
        `${pattern}: ${names.join("\n")}`,
      );
    await wipe();
  });
}

async function broken(): Promise<string[]> {
  const results = await runAudits(database, [...orderingAudits, ...outboxAudits]);
  return results.filter((result) => result.broken.length > 0).map(({ name }) => name);
}

async function wipe(): Promise<void> {
  const tables = [
    "expiry_receipts",
    "parked_messages",
    "order_idempotency",
    "refunds",
    "payments",
    "order_history",
    "buyers",
    "order_lines",
    "orders",
    "stock_movements",
    "stock",
    "outbox",
  ];
  for (const table of tables) await sql.query(`DELETE FROM ${table}`);
}
