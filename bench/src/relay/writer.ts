/**
 * Commits at a steady rate, each one row of many, until it is told to end. Then prints `{commits, seconds}`.
 *
 *     node bench/src/relay/writer.ts <mysql url> <commits/s> <first id> <ids>
 */
import { setTimeout as delay } from "node:timers/promises";
import { createConnection } from "mysql2/promise";

const [url = "", rate = "0", firstId = "0", ids = "0"] = process.argv.slice(2);
const connectionsAtOnce = 8;
const everyMs = (1_000 * connectionsAtOnce) / Number(rate);
const startMs = performance.now();
let commits = 0;
let ending = false;
process.once("SIGTERM", () => {
  ending = true;
});

async function write(): Promise<void> {
  const sql = await createConnection(url);
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

await Promise.all(Array.from({ length: connectionsAtOnce }, write));
console.log(JSON.stringify({ commits, seconds: (performance.now() - startMs) / 1_000 }));
