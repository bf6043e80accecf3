import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Connection, RowDataPacket } from "mysql2/promise";
import {
  createTestDatabase,
  startTestServices,
  type TestDatabase,
  type TestServices,
} from "../../../cli/src/services/for-tests.ts";
import { openBinlog } from "./binlog-reader.ts";
import { connectExact } from "./connection.ts";
import type { RowChange } from "./row-buffer.ts";
import { currentPosition } from "./source.ts";

let services: TestServices;
let database: TestDatabase;
let sql: Connection;
let serverId = 2 ** 31 + Math.floor(Math.random() * 2 ** 30);

before(async () => {
  services = await startTestServices();
  // Of a MySQL, say: `mysql://root:password@host:port/any`, of an account that may create databases and replicate.
  const mysqlUrl = process.env.MYSQL_URL ?? services.mysqlUrl;
  database = await createTestDatabase({ ...services, mysqlUrl });
  sql = await connectExact(database.url);
  await writeAndReadAll();
});

after(async () => {
  await sql?.end();
  await database?.close();
  await services?.close();
});

/** Column type, and the values to be written as SQL text. */
const columns: readonly (readonly [type: string, ...values: string[]])[] = [
  ["TINYINT", "-128", "127"],
  ["TINYINT UNSIGNED", "255"],
  ["SMALLINT", "-32768", "32767"],
  ["SMALLINT UNSIGNED", "65535"],
  ["MEDIUMINT", "-8388608", "8388607"],
  ["MEDIUMINT UNSIGNED", "16777215"],
  ["INT", "-2147483648", "2147483647"],
  ["INT UNSIGNED", "4294967295"],
  ["BIGINT", "0", "-1", "9007199254740991", "-9223372036854775808", "9223372036854775807"],
  ["BIGINT UNSIGNED", "1", "9007199254740992", "18446744073709551615"],
  ["BOOLEAN", "TRUE", "FALSE"],
  ["DECIMAL(10,2)", "0", "-0.01", "12345678.90", "-99999999.99"],
  ["DECIMAL(18,9) UNSIGNED", "0.000000001", "999999999.999999999"],
  ["DECIMAL(5,0)", "-99999", "7"],
  ["DECIMAL(9,9)", "-0.123456789", "0.1"],
  ["DECIMAL(65,30)", "12345678901234567890123456789012345.123456789012345678901234567891"],
  ["FLOAT", "0", "3.14159274", "-1e30", "16777216", "0.1"],
  ["DOUBLE", "0.1", "-1.7976931348623157e308", "2.2250738585072014e-308"],
  ["DATE", "'2024-02-29'", "'0000-00-00'", "'2024-00-00'", "'9999-12-31'"],
  ["TIME", "'00:00:00'", "'-00:01:00'", "'-01:00:00'", "'-838:59:59'", "'838:59:59'", "'-00:00:01'"],
  ["TIME(6)", "'12:34:56.000001'", "'-00:00:00.5'", "'-00:00:01.000001'", "'-00:01:00'", "'-01:00:00.25'"],
  ["TIME(3)", "'-10:59:59.999'", "'00:00:00.001'"],
  ["DATETIME", "'2026-01-31 10:00:00'", "'0000-00-00 00:00:00'"],
  ["DATETIME(6)", "'2026-01-31 10:00:00.000001'", "'2026-01-31 10:00:00.123456'", "'1000-01-01 00:00:00'"],
  ["DATETIME(3)", "'2026-01-31 10:00:00.120'"],
  ["TIMESTAMP(6) NULL", "'2026-07-01 00:00:00.654321'", "'2038-01-19 03:14:07.999999'"],
  ["TIMESTAMP NULL", "'2026-07-01 00:00:00'", "'0000-00-00 00:00:00'"],
  ["TIMESTAMP(1) NULL", "'2026-07-01 00:00:00.7'", "'1970-01-01 00:00:01'"],
  ["YEAR", "1901", "2155", "0"],
  ["CHAR(10)", "'abc'", "''", "'grün 茶'"],
  ["CHAR(36) CHARACTER SET ascii", "'0197f7a0-0000-7000-8000-000000000000'"],
  ["VARCHAR(300)", "'🍵 tea'", "REPEAT('é', 300)", "' spaces '"],
  ["VARCHAR(50) CHARACTER SET latin1", "'déjà vu'"],
  ["VARCHAR(63)", "REPEAT('茶', 63)"],
  ["VARCHAR(64)", "REPEAT('🍵', 64)"],
  ["VARCHAR(20) CHARACTER SET ascii", "'plain'"],
  ["CHAR(64)", "REPEAT('🍵', 64)"],
  ["TINYTEXT", "REPEAT('é', 127)"],
  ["MEDIUMTEXT", "REPEAT('茶', 30000)"],
  ["TEXT", "'line\nline'", "REPEAT('x', 60000)"],
  ["LONGTEXT", "REPEAT('茶', 100000)"],
  ["BINARY(4)", "X'00ff0000'", "X'01'"],
  ["VARBINARY(300)", "X'00'", "X''", "X'DEADBEEF00'"],
  ["BLOB", "X'00FF'", "REPEAT(X'00', 300)"],
  ["TINYBLOB", "X'FE'"],
  ["MEDIUMBLOB", "REPEAT(X'FF', 70000)"],
  ["LONGBLOB", "REPEAT(X'7F', 70000)"],
  ["BINARY(255)", "REPEAT(X'AB', 255)"],
  ["BIT(1)", "b'1'", "b'0'"],
  ["BIT(20)", "b'10000000000000000001'"],
  ["BIT(64)", "0xFFFFFFFFFFFFFFFE", "1"],
  ["ENUM('small','large, really','it''s')", "'small'", "'large, really'", "'it''s'", "'none of them'"],
  [`ENUM(${names(300)})`, "'n1'", "'n256'", "'n300'"],
  ["ENUM('grün','茶') CHARACTER SET utf8mb4", "'grün'", "'茶'"],
  [`SET(${names(20)})`, "'n1,n20'", "'n9'"],
  [`SET(${names(64)})`, "'n64'", "'n1,n33,n64'"],
  ["SET('a','b','c')", "''", "'a,c'", "'a,b,c'"],
  ["JSON", `'{"b": [1, 2.5, null, true], "a": "ä"}'`, "'9007199254740993'", "'\"text\"'"],
];

function names(count: number): string {
  return Array.from({ length: count }, (_, n) => `'n${n + 1}'`).join(",");
}

/** The relay's own decoder reads what is looked at, where it knows the type; without that zongji reads all. */
const looks = [["id", "v"], []] as const;

type Row = Record<string, unknown>;

/** Of each type: what a SELECT gives, as it was inserted and as it was updated, and what each look reads. */
const expected = new Map<string, readonly Row[]>();
const read = looks.map(() => new Map<string, Row[]>());

/** All tables are written first and read in one go: following the binlog takes long to begin. */
async function writeAndReadAll(): Promise<void> {
  await sql.query("SET sql_mode = ''");
  for (const [type] of columns) {
    const table = tableOf(type);
    await sql.query(`CREATE TABLE ${table} (id INT PRIMARY KEY AUTO_INCREMENT, v ${type}) CHARSET utf8mb4`);
  }
  const position = await currentPosition(sql);
  for (const [type, ...values] of columns) {
    const table = tableOf(type);
    await sql.query(`INSERT INTO ${table} (v) VALUES ${[...values, "NULL"].map((v) => `(${v})`).join(", ")}`);
    await sql.query(`UPDATE ${table} SET id = id + 1000 ORDER BY id`);
    const [updated] = await sql.query<RowDataPacket[]>(`SELECT * FROM ${table} ORDER BY id`);
    const inserted = updated.map((row) => ({ ...row, id: row.id - 1_000 }));
    expected.set(table, [...inserted, ...updated.map((row) => ({ ...row }))]);
  }
  await Promise.all(looks.map((look, at) => readAll(position, look, read[at] as Map<string, Row[]>)));
}

async function readAll(
  position: Awaited<ReturnType<typeof currentPosition>>,
  look: readonly string[],
  into: Map<string, Row[]>,
): Promise<void> {
  const tables = new Map(columns.map(([type]) => [tableOf(type), look]));
  const reader = openBinlog({ url: database.url, serverId: serverId++, position, tables });
  let missing = [...expected.values()].reduce((sum, rows) => sum + rows.length, 0);
  try {
    while (missing > 0) {
      for (const { table, row } of (await reader.take(1_000)).changes) {
        into.set(table, [...(into.get(table) ?? []), { ...row }]);
        missing -= 1;
      }
    }
  } finally {
    await reader.close();
  }
}

function tableOf(type: string): string {
  return `t_${columns.findIndex(([one]) => one === type)}`;
}

for (const [type] of columns) {
  test(`${type.slice(0, 60)} comes from the binlog as a SELECT gives it`, () => {
    assert.ok((expected.get(tableOf(type))?.length ?? 0) >= 4, "a value and NULL, each inserted and updated");
    for (const rows of read) assert.deepEqual(rows.get(tableOf(type)), expected.get(tableOf(type)));
  });
}

test("columns that nobody looks at are stepped over, whatever their type", async () => {
  const [types, values] = [columns.map(([type]) => type), columns.map(([, first]) => first)];
  await sql.query("SET sql_mode = ''");
  await sql.query(
    `CREATE TABLE wide (${types.map((type, n) => `c${n} ${type}`).join(", ")}, last_one BIGINT) CHARSET utf8mb4`,
  );
  const position = await currentPosition(sql);
  await sql.query(`INSERT INTO wide VALUES (${values.join(", ")}, 7)`);
  await sql.query("UPDATE wide SET c3 = NULL, last_one = 8");
  const tables = new Map([["wide", ["last_one", "c3"]]]);
  const reader = openBinlog({ url: database.url, serverId: serverId++, position, tables });
  const read: unknown[] = [];
  while (read.length < 2) read.push(...(await reader.take(1_000)).changes.map(({ row }) => ({ ...row })));
  await reader.close();
  assert.deepEqual(read, [
    { c3: 65_535, last_one: "7" },
    { c3: null, last_one: "8" },
  ]);
});

/** In the second all columns that are looked at are there at times only; in the third always. */
for (const look of [[], ["id", "b", "c"], ["id"]]) {
  const looked = look.length === 0 ? "all columns" : look.join(", ");
  test(`columns are added, renamed, moved, dropped while following, and ${looked} read under their own names`, async () => {
    const table = `shapes_${look.length}`;
    await sql.query(`CREATE TABLE ${table} (id INT PRIMARY KEY AUTO_INCREMENT, a INT, b VARCHAR(20))`);
    const position = await currentPosition(sql);
    await sql.query(`INSERT INTO ${table} (a, b) VALUES (1, 'one')`);
    await sql.query(`ALTER TABLE ${table} ADD COLUMN c BIGINT AFTER id`);
    await sql.query(`INSERT INTO ${table} (a, b, c) VALUES (2, 'two', 22)`);
    await sql.query(`ALTER TABLE ${table} CHANGE a renamed INT, MODIFY b VARCHAR(20) FIRST`);
    await sql.query(`INSERT INTO ${table} (renamed, b, c) VALUES (3, 'three', 33)`);
    await sql.query(`ALTER TABLE ${table} CHANGE b swapped VARCHAR(20), CHANGE renamed b INT`);
    await sql.query(`INSERT INTO ${table} (swapped, b, c) VALUES ('four', 4, 44)`);
    await sql.query(`ALTER TABLE ${table} DROP COLUMN swapped`);
    await sql.query(`UPDATE ${table} SET b = 5 WHERE id = 4`);
    const tables = new Map([[table, look]]);
    const reader = openBinlog({ url: database.url, serverId: serverId++, position, tables });
    const changes: RowChange[] = [];
    while (changes.length < 5) changes.push(...(await reader.take(1_000)).changes);
    await reader.close();
    const expected: Row[] = [
      { id: 1, a: 1, b: "one" },
      { id: 2, c: "22", a: 2, b: "two" },
      { id: 3, b: "three", c: "33", renamed: 3 },
      { id: 4, swapped: "four", b: 4, c: "44" },
      { id: 4, b: 5, c: "44" },
    ];
    for (const [at, { row, complete }] of changes.entries()) {
      const whole = expected[at] as Row;
      assert.equal(
        complete,
        look.every((name) => name in whole),
      );
      // Where something is missing zongji has read all there is.
      const wanted = complete && look.length > 0 ? look : Object.keys(whole);
      assert.deepEqual({ ...row }, Object.fromEntries(wanted.map((name) => [name, whole[name]])));
    }
  });
}
