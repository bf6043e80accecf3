import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createTestDatabase, startTestServices } from "../../../../cli/src/services/for-tests.ts";
import { until } from "../../../test/until.ts";
import { runMigrations } from "../../compose.ts";
import { createLogger } from "../logger.ts";
import { openDatabase } from "../mysql/database.ts";
import { toSqlTime } from "../mysql/time.ts";
import { outboxLimits, pruneOutbox } from "./prune.ts";

const services = await startTestServices();
const testDatabase = await createTestDatabase(services);
await runMigrations({ MYSQL_URL: testDatabase.url });
const database = openDatabase(testDatabase.url);

after(async () => {
  await database.close();
  await testDatabase.close();
  await services.close();
});

test("only what was published long ago is removed", async () => {
  const nowMs = Date.now();
  const long = toSqlTime(nowMs - outboxLimits.keepMs - 1_000);
  const lately = toSqlTime(nowMs - outboxLimits.keepMs + 60_000);
  const rows = [
    ["published long ago", long],
    ["published lately", lately],
    ["never published", null],
  ];
  await database.execute(
    "INSERT INTO outbox (exchange, routing_key, message_id, payload, published_at) VALUES ?",
    [rows.map(([name, publishedAt]) => ["x", "x", name ?? "", "{}", publishedAt ?? null])],
  );
  const pruning = pruneOutbox(database, () => nowMs, createLogger("test", "silent", process.stdout));
  const left = () => database.query<{ message_id: string }>("SELECT message_id FROM outbox ORDER BY id");
  await until("the old one is gone", async () => (await left()).length === 2);
  await pruning.close();
  assert.deepEqual(
    (await left()).map((row) => row.message_id),
    ["published lately", "never published"],
  );
});
