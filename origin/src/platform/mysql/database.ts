import type { Pool, PoolConnection, ResultSetHeader } from "mysql2/promise";
import { createPool } from "mysql2/promise";
import { Refusal } from "../../kernel/errors.ts";
import { platformErrors } from "../errors.ts";

/** Values that a statement may carry. Objects are refused by the driver's `stringifyObjects`. */
export type SqlValue = string | number | bigint | boolean | null | Buffer | readonly SqlValue[];

export interface WriteResult {
  readonly affectedRows: number;
  readonly insertId: number;
}

/** What both a pool and a transaction can do; adapters take this, so they work within either. */
export interface Sql {
  query<Row>(sql: string, values?: readonly SqlValue[]): Promise<Row[]>;
  execute(sql: string, values?: readonly SqlValue[]): Promise<WriteResult>;
}

/** Marks a Sql that is inside a transaction: what must be atomic asks for this type. */
export interface Transaction extends Sql {
  readonly inTransaction: true;
}

export interface Database extends Sql {
  /**
   * Runs `work` in one transaction (READ COMMITTED). A deadlock rolls all back and runs `work` again, at
   * most `deadlockRetriesMax` times: what `work` does besides must be harmless when done again.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>, how?: TransactionOptions): Promise<T>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface TransactionOptions {
  /** Other than `DatabaseLimits.lockWaitSeconds`, for who would rather do something else than wait for a row. */
  readonly lockWaitSeconds?: number;
}

export interface DatabaseLimits {
  readonly connectionsMax: number;
  readonly queueMax: number;
  readonly connectTimeoutMs: number;
  readonly acquireTimeoutMs: number;
  readonly queryTimeoutMs: number;
  readonly lockWaitSeconds: number;
  readonly deadlockRetriesMax: number;
}

export const databaseLimits: DatabaseLimits = {
  connectionsMax: 16,
  queueMax: 512,
  connectTimeoutMs: 2_000,
  acquireTimeoutMs: 3_000,
  // Well below the 10 s for which the edge waits for an answer: a database that hangs is 503 and says that it
  // is the database, not a 504 of the edge that says nothing.
  queryTimeoutMs: 7_000,
  lockWaitSeconds: 5,
  deadlockRetriesMax: 5,
};

/** An audit reads whole tables, and nobody waits for its answer behind the edge. */
export const auditDatabaseLimits: DatabaseLimits = { ...databaseLimits, queryTimeoutMs: 300_000 };

const sqlModes =
  "STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";

export function openDatabase(url: string, limits: DatabaseLimits = databaseLimits): Database {
  const pool = createPool({
    uri: url,
    connectionLimit: limits.connectionsMax,
    queueLimit: limits.queueMax,
    connectTimeout: limits.connectTimeoutMs,
    waitForConnections: true,
    enableKeepAlive: true,
    dateStrings: true,
    timezone: "Z",
    charset: "utf8mb4",
    supportBigNumbers: true,
    stringifyObjects: true,
    // The driver would note for every statement who asked; `sqlOn` finds out when one fails.
    trace: false,
  });
  const lockWaits: LockWaits = new WeakMap();
  // Statements of one connection run in order, so this is in force before the first statement of ours.
  pool.pool.on("connection", (connection) => {
    connection.query(
      `SET time_zone = '+00:00', sql_mode = '${sqlModes}', innodb_lock_wait_timeout = ${limits.lockWaitSeconds}`,
    );
    connection.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
  });

  const onPool = async <T>(work: (connection: PoolConnection) => Promise<T>): Promise<T> => {
    const connection = await acquire(pool, limits.acquireTimeoutMs);
    try {
      return await work(connection);
    } finally {
      connection.release();
    }
  };

  return {
    query: (sql, values) => onPool((connection) => sqlOn(connection, limits).query(sql, values)),
    execute: (sql, values) =>
      onPool(async (connection) => {
        await setLockWait(connection, lockWaits, limits, limits.lockWaitSeconds);
        return sqlOn(connection, limits).execute(sql, values);
      }),
    transaction: (work, { lockWaitSeconds = limits.lockWaitSeconds } = {}) =>
      withDeadlockRetries(limits, () =>
        runTransaction(pool, limits, async (connection, tx) => {
          await setLockWait(connection, lockWaits, limits, lockWaitSeconds);
          await tx.execute("START TRANSACTION");
          return work(tx);
        }),
      ),
    ping: async () => {
      await onPool((connection) => sqlOn(connection, limits).query("SELECT 1"));
    },
    close: () => pool.end(),
  };
}

function sqlOn(connection: PoolConnection, limits: DatabaseLimits): Sql {
  const run = async (sql: string, values: readonly SqlValue[]) => {
    try {
      const [result] = await connection.query({ sql, values: [...values], timeout: limits.queryTimeoutMs });
      return result;
    } catch (error) {
      // The driver leaves the statement running after a timeout; its connection can't be used again.
      if (codeOf(error) === "PROTOCOL_SEQUENCE_TIMEOUT") connection.destroy();
      // Made in the driver, where a packet came in; this one leads to whoever asked.
      if (error instanceof Error) Error.captureStackTrace(error);
      throw translated(error);
    }
  };
  return {
    query: async <Row>(sql: string, values: readonly SqlValue[] = []) => (await run(sql, values)) as Row[],
    execute: async (sql, values = []) => {
      const header = (await run(sql, values)) as ResultSetHeader;
      return { affectedRows: header.affectedRows, insertId: header.insertId };
    },
  };
}

async function runTransaction<T>(
  pool: Pool,
  limits: DatabaseLimits,
  begin: (connection: PoolConnection, tx: Transaction) => Promise<T>,
): Promise<T> {
  const connection = await acquire(pool, limits.acquireTimeoutMs);
  const tx: Transaction = { ...sqlOn(connection, limits), inTransaction: true };
  try {
    const result = await begin(connection, tx);
    await commit(tx);
    connection.release();
    return result;
  } catch (error) {
    await rollBack(connection);
    throw error;
  }
}

/**
 * Whatever breaks before it undoes all; what breaks here leaves open whether the server has come to read it, even after
 * we gave up. So that is an answer of its own, and whoever gets it asks again in a way that does no harm.
 */
async function commit(tx: Transaction): Promise<void> {
  try {
    await tx.execute("COMMIT");
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(platformErrors.outcomeUnknown, {
      detail:
        "repeat the request with the same Idempotency-Key; without one look first whether it took effect",
      headers: { "retry-after": "1" },
      cause: error,
    });
  }
}

/** A connection that can't roll back is thrown away; the server rolls back when it closes. */
async function rollBack(connection: PoolConnection): Promise<void> {
  try {
    await connection.query({ sql: "ROLLBACK", timeout: 1_000 });
    connection.release();
  } catch {
    connection.destroy();
  }
}

/** What connections are set to that are set to something else than at their beginning. */
type LockWaits = WeakMap<object, number>;

/** Most connections serve one kind of work for long, so that they are seldom set anew. */
async function setLockWait(
  pooled: PoolConnection,
  lockWaits: LockWaits,
  limits: DatabaseLimits,
  seconds: number,
): Promise<void> {
  const { connection } = pooled;
  if ((lockWaits.get(connection) ?? limits.lockWaitSeconds) === seconds) return;
  await sqlOn(pooled, limits).execute(`SET innodb_lock_wait_timeout = ${seconds}`);
  lockWaits.set(connection, seconds);
}

async function withDeadlockRetries<T>(limits: DatabaseLimits, attempt: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (codeOf(error) !== "ER_LOCK_DEADLOCK" || tries >= limits.deadlockRetriesMax) throw error;
      // Spread the losers out, or they meet again.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** tries));
    }
  }
}

/** The driver waits for a free connection without end, so the bound is set here. */
async function acquire(pool: Pool, timeoutMs: number): Promise<PoolConnection> {
  let timer: NodeJS.Timeout | undefined;
  const pending = pool.getConnection();
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      pending.then((late) => late.release()).catch(() => undefined);
      reject(new Refusal(platformErrors.unavailable, { detail: "the database has no free connection" }));
    }, timeoutMs);
  });
  try {
    return await Promise.race([pending, timeout]);
  } catch (error) {
    throw translated(error);
  } finally {
    clearTimeout(timer);
  }
}

const unavailableCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "PROTOCOL_CONNECTION_LOST",
  "PROTOCOL_SEQUENCE_TIMEOUT",
  "ER_CON_COUNT_ERROR",
  "ER_SERVER_SHUTDOWN",
  "ER_QUERY_INTERRUPTED",
  // Waited for a row for `lockWaitSeconds` already: better to tell the caller than to wait once more.
  "ER_LOCK_WAIT_TIMEOUT",
]);

/** Somebody else holds a row, for longer than one waits: the database is there, and so are all other rows. */
export function isRowHeld(error: unknown): boolean {
  return error instanceof Refusal && codeOf(error.cause) === "ER_LOCK_WAIT_TIMEOUT";
}

/** Outages become the catalogued 503; every other driver error passes as it is. */
function translated(error: unknown): unknown {
  if (error instanceof Refusal) return error;
  const gone =
    unavailableCodes.has(codeOf(error)) || /Queue limit reached|Pool is closed/.test(String(error));
  if (!gone) return error;
  return new Refusal(platformErrors.unavailable, {
    detail: "the database can't be reached or is too busy",
    headers: { "retry-after": "1" },
    cause: error,
  });
}

/** `ER_DUP_ENTRY` and the like; an empty string for what is no driver error. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

export function isDuplicate(error: unknown): boolean {
  return codeOf(error) === "ER_DUP_ENTRY";
}
