import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { createTestDatabase, startTestServices } from "../../../../cli/src/services/for-tests.ts";
import { migrate } from "./migrate.ts";

const services = await startTestServices();
const place = await createTestDatabase(services);
const folder = await mkdtemp(join(tmpdir(), "sluice-migrations-"));
let number = 0;

after(async () => {
  await rm(folder, { recursive: true });
  await place.close();
  await services.close();
});

/** Every test adds the next file. */
let name: string;
beforeEach(async () => {
  number += 1;
  name = `000${number}-table-${number}.sql`;
  await writeFile(
    join(folder, name),
    `CREATE TABLE t${number} (id INT);\nINSERT INTO t${number} VALUES (1);`,
  );
});

test("a file is applied once", async () => {
  assert.deepEqual((await migrate(place.url, folder)).applied, [name]);
  assert.deepEqual((await migrate(place.url, folder)).applied, []);
});

test("of processes that migrate at once one does it and the others find it done", async () => {
  const results = await Promise.all([1, 2, 3, 4].map(() => migrate(place.url, folder)));
  assert.deepEqual(
    results.flatMap(({ applied }) => applied),
    [name],
  );
});

test("a file that was changed after it was applied is refused by name", async () => {
  await migrate(place.url, folder);
  await writeFile(join(folder, name), `CREATE TABLE t${number} (id BIGINT);`);
  await assert.rejects(migrate(place.url, folder), new RegExp(name));
  await rm(join(folder, name));
});

test("a file that fails is tried again", async () => {
  await writeFile(join(folder, name), "CREATE TABLE broken (id NONSENSE);");
  await assert.rejects(migrate(place.url, folder));
  await writeFile(join(folder, name), "CREATE TABLE mended (id INT);");
  assert.deepEqual((await migrate(place.url, folder)).applied, [name]);
});

test("a name that does not fit is refused, because its place in the order is not known", async () => {
  await writeFile(join(folder, "later.sql"), "SELECT 1;");
  await assert.rejects(migrate(place.url, folder), /later\.sql/);
});
