import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { createTestDatabase, startTestServices } from "../../../../cli/src/services/for-tests.ts";
import { Refusal } from "../../kernel/errors.ts";
import { platformErrors } from "../errors.ts";
import { type Database, databaseLimits, isDuplicate, openDatabase } from "./database.ts";
import { fromSqlTime, toSqlTime } from "./time.ts";

const services = await startTestServices();
const place = await createTestDatabase(services);
const database = openDatabase(place.url);

before(async () => {
  await database.execute(
    "CREATE TABLE accounts (id BIGINT UNSIGNED PRIMARY KEY, balance INT NOT NULL, changed_at DATETIME(6) NULL)",
  );
  await database.execute("INSERT INTO accounts (id, balance) VALUES (1, 100), (2, 100)");
});

after(async () => {
  await database.close();
  await place.close();
  await services.close();
});

test("a transaction that throws leaves nothing behind", async () => {
  const boom = new Error("boom");
  const attempt = database.transaction(async (tx) => {
    await tx.execute("INSERT INTO accounts (id, balance) VALUES (3, 0)");
    throw boom;
  });
  await assert.rejects(attempt, boom);
  assert.deepEqual(await database.query("SELECT id FROM accounts WHERE id = 3"), []);
});

test("a transaction that loses a deadlock is run again", async () => {
  let runs = 0;
  const bothHoldOne = Promise.withResolvers<void>();
  const move = (first: number, second: number) =>
    database.transaction(async (tx) => {
      runs += 1;
      await tx.execute("UPDATE accounts SET balance = balance + 1 WHERE id = ?", [first]);
      if (runs >= 2) bothHoldOne.resolve();
      await bothHoldOne.promise;
      await tx.execute("UPDATE accounts SET balance = balance + 1 WHERE id = ?", [second]);
    });
  await Promise.all([move(1, 2), move(2, 1)]);
  assert.equal(runs, 3, "one of the two lost and ran twice");
  const rows = await database.query<{ balance: number }>("SELECT balance FROM accounts WHERE id IN (1, 2)");
  assert.deepEqual(
    rows.map(({ balance }) => balance),
    [102, 102],
  );
});

test("times are UTC text with all their digits, whatever the server's zone", async () => {
  const ms = Date.UTC(2026, 0, 31, 10, 0, 0, 123);
  await database.execute("UPDATE accounts SET changed_at = ? WHERE id = 1", [toSqlTime(ms)]);
  const [row] = await database.query<{ changed_at: string }>("SELECT changed_at FROM accounts WHERE id = 1");
  assert.equal(row?.changed_at, "2026-01-31 10:00:00.123000");
  assert.equal(fromSqlTime(row.changed_at), ms);
  const [zone] = await database.query<{ zone: string }>("SELECT @@session.time_zone AS zone");
  assert.equal(zone?.zone, "+00:00");
});

test("a duplicate is told apart from other errors", async () => {
  const duplicate = await database
    .execute("INSERT INTO accounts (id, balance) VALUES (1, 0)")
    .catch((error) => error);
  assert.equal(isDuplicate(duplicate), true);
  const unknown = await database.query("SELECT nothing FROM accounts").catch((error) => error);
  assert.equal(isDuplicate(unknown), false);
  assert.equal(unknown instanceof Refusal, false, "a bug of ours is no outage");
});

test("an object is no value: it can't become SQL", async () => {
  const sneaky = { id: 1 } as unknown as string;
  assert.deepEqual(await database.query("SELECT id FROM accounts WHERE id = ?", [sneaky]), []);
});

test("who waits too long for a connection is told so, and the pool recovers", async () => {
  const narrow = openDatabase(place.url, { ...databaseLimits, connectionsMax: 1, acquireTimeoutMs: 50 });
  try {
    const release = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const holding = narrow.transaction(async () => {
      entered.resolve();
      await release.promise;
    });
    await entered.promise;
    await assert.rejects(narrow.ping(), { definition: platformErrors.unavailable });
    release.resolve();
    await holding;
    await narrow.ping();
  } finally {
    await narrow.close();
  }
});

test("who waits too long for a row is refused instead of waiting again", async () => {
  const impatient = openDatabase(place.url, { ...databaseLimits, lockWaitSeconds: 1 });
  try {
    await database.transaction(async (tx) => {
      await tx.execute("UPDATE accounts SET balance = 0 WHERE id = 2");
      const blocked = impatient.execute("UPDATE accounts SET balance = 1 WHERE id = 2");
      await assert.rejects(blocked, { definition: platformErrors.unavailable });
    });
  } finally {
    await impatient.close();
  }
});

test("a statement that runs too long is given up, and its connection with it", async () => {
  const impatient = openDatabase(place.url, { ...databaseLimits, connectionsMax: 1, queryTimeoutMs: 100 });
  try {
    await assert.rejects(impatient.query("SELECT SLEEP(5)"), { definition: platformErrors.unavailable });
    await impatient.ping();
  } finally {
    await impatient.close();
  }
});

test("a database that hangs is given up before the edge gives up the origin", async () => {
  const edge = await readFile(new URL("../../../../edge/route-location.ts", import.meta.url), "utf8");
  const [, digits = ""] = /ORIGIN_READ_TIMEOUT_MS = ([\d_]+)/.exec(edge) ?? [];
  const edgeWaitsMs = Number(digits.replaceAll("_", ""));
  assert(edgeWaitsMs > 0, "the edge's own setting is compared with");
  assert(databaseLimits.queryTimeoutMs < edgeWaitsMs - 2_000);
});

test("a server that is not there is the catalogued outage", async () => {
  const nowhere: Database = openDatabase("mysql://root@127.0.0.1:1/x");
  try {
    await assert.rejects(nowhere.ping(), { definition: platformErrors.unavailable });
  } finally {
    await nowhere.close();
  }
});
