import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";

/**
 * Applies `NNNN-name.sql` files in the order of their numbers, each once. MySQL commits DDL at once, so a
 * file that fails in the middle is run again from its start: its statements must be repeatable
 * (`CREATE TABLE IF NOT EXISTS …`). A file that was applied is frozen: its checksum is kept and compared.
 */
export interface Migrated {
  readonly applied: readonly string[];
}

/** Seconds to wait for another process that migrates the same database. */
const lockWaitSeconds = 60;

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

export async function migrate(url: string, directory: string): Promise<Migrated> {
  const migrations = await readMigrations(directory);
  const connection = await createConnection({ uri: url, multipleStatements: true, timezone: "Z" });
  try {
    await connection.query("SET time_zone = '+00:00'");
    return await oneAtATime(connection, () => applyMissing(connection, migrations));
  } finally {
    await connection.end();
  }
}

async function applyMissing(connection: Connection, migrations: readonly Migration[]): Promise<Migrated> {
  await connection.query(
    `CREATE TABLE IF NOT EXISTS schema_migrations (
      number INT UNSIGNED NOT NULL PRIMARY KEY,
      name VARCHAR(190) NOT NULL,
      checksum CHAR(64) CHARACTER SET ascii NOT NULL,
      applied_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
    ) ENGINE = InnoDB`,
  );
  const [rows] = await connection.query<RowDataPacket[]>("SELECT number, checksum FROM schema_migrations");
  const known = new Map(rows.map((row) => [row.number as number, row.checksum as string]));
  const applied: string[] = [];
  for (const migration of migrations) {
    const checksum = known.get(migration.number);
    if (checksum === undefined) {
      await connection.query(migration.sql);
      await connection.query("INSERT INTO schema_migrations (number, name, checksum) VALUES (?, ?, ?)", [
        migration.number,
        migration.name,
        migration.checksum,
      ]);
      applied.push(migration.name);
    } else if (checksum !== migration.checksum) {
      throw new Error(`migration ${migration.name} was changed after it had been applied`);
    }
  }
  return { applied };
}

/** GET_LOCK names are the whole server's, so the database is part of the name. */
async function oneAtATime<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  const [rows] = await connection.query<RowDataPacket[]>(
    "SELECT GET_LOCK(CONCAT('migrate:', DATABASE()), ?) AS taken",
    [lockWaitSeconds],
  );
  if (rows[0]?.taken !== 1) throw new Error("another process has been migrating this database for too long");
  try {
    return await work();
  } finally {
    await connection.query("DO RELEASE_LOCK(CONCAT('migrate:', DATABASE()))");
  }
}

async function readMigrations(directory: string): Promise<Migration[]> {
  const migrations: Migration[] = [];
  for (const name of (await readdir(directory)).sort()) {
    if (!name.endsWith(".sql")) continue;
    const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(number)) throw new Error(`${name} is not named like 0001-what-it-does.sql`);
    if (migrations.at(-1)?.number === number) throw new Error(`two migrations have the number of ${name}`);
    const sql = await readFile(join(directory, name), "utf8");
    migrations.push({ number, name, sql, checksum: createHash("sha256").update(sql).digest("hex") });
  }
  return migrations;
}
