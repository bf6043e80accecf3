/**
 * Commits at a steady rate, each one row of many, until it is told to end. Prints a line when it begins, and at the
 * end `{commits, seconds}`.
 *
 *     node bench/src/relay/writer.ts <mysql url> <commits/s> <first id> <ids>
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Connection, createConnection } from "mysql2/promise";

const [url = "", rate = "0", firstId = "0", ids = "0"] = process.argv.slice(2);
const connectionsAtOnce = 8;
const everyMs = (1_000 * connectionsAtOnce) / Number(rate);
let commits = 0;
let ending = false;
process.once("SIGTERM", () => {
  ending = true;
});

async function write(sql: Connection): Promise<void> {
  let dueMs = performance.now();
  while (!ending) {
    dueMs += everyMs;
    const id = Number(firstId) + Math.floor(Math.random() * Number(ids));
    await sql.query("UPDATE products SET version = version + 1, price_cents = price_cents + 1 WHERE id = ?", [
      id,
    ]);
    commits++;
    // One that fell behind catches up, but not for longer than a second's worth.
    const aheadMs = dueMs - performance.now();
    if (aheadMs > 0) await delay(aheadMs);
    else if (aheadMs < -1_000) dueMs = performance.now();
  }
  await sql.end();
}

const connections = await Promise.all(Array.from({ length: connectionsAtOnce }, () => createConnection(url)));
const startMs = performance.now();
console.log("writing");
await Promise.all(connections.map(write));
console.log(JSON.stringify({ commits, seconds: (performance.now() - startMs) / 1_000 }));
