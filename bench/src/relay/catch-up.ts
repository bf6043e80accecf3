/**
 * A log is written while the relay is stopped. Then zongji alone decodes it, and the relay follows it into Redis,
 * in turn. Both are measured from their first row to their last, so that neither's start counts.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { changesKey, checkpointKey, productKey } from "@sluice/contract/keys.ts";
import { RELAY_NODE_FLAGS } from "../../../cli/src/services/node-role.ts";
import { checkout } from "../../../cli/src/settings.ts";
import { cpuTimeUs } from "../proxies/processor.ts";
import { logPosition, type Stage } from "./stage.ts";

export interface CatchUp {
  readonly rowsPerSecond: number;
  readonly cpuUsPerRow: number;
}

/** What is in the log, and how the relay's progress shows in Redis. */
export interface RecordedLog {
  readonly name: string;
  readonly rows: number;
  /** The relay's checkpoint before it. */
  readonly checkpoint: string;
  readonly position: string;
  readonly firstDone: () => Promise<boolean>;
  readonly lastDone: () => Promise<boolean>;
  /** Redis as it was before. */
  readonly forget: () => Promise<void>;
}

const run = promisify(execFile);
const columns = "name, description, price_cents, currency, status, created_at, updated_at";
const rowsPerStatement = 1_000;

/** Inserted one after the other in transactions of a thousand: each is a key of its own. */
export async function recordNewRows(stage: Stage, rows: number): Promise<RecordedLog> {
  const { sql, redis } = stage;
  const [before, position] = [await checkpointOf(stage), await logPosition(sql)];
  for (let from = 1; from <= rows; from += rowsPerStatement) {
    await sql.query(
      `INSERT INTO products (id, ${columns})
       SELECT 1000000 + seq, CONCAT('Product ', seq), REPEAT('About it. ', 10), 1000 + seq, 'EUR', 'active', NOW(6), NOW(6)
       FROM seq_${from}_to_${from + rowsPerStatement - 1}`,
    );
  }
  const exists = (n: number) => async () => (await redis.exists(productKey("", String(1_000_000 + n)))) === 1;
  return {
    name: "new rows",
    rows,
    checkpoint: before,
    position,
    firstDone: exists(1),
    lastDone: exists(rows),
    forget: async () => {
      for (let n = 1; n <= rows; n += rowsPerStatement) {
        const ids = Array.from({ length: rowsPerStatement }, (_, at) =>
          productKey("", String(1_000_000 + n + at)),
        );
        await redis.unlink(ids);
      }
      await redis.del(changesKey(""));
    },
  };
}

/** The same thousand rows updated again and again: of the states in a batch only the last is written. */
export async function recordHotRows(stage: Stage, rows: number): Promise<RecordedLog> {
  const { sql, redis } = stage;
  const [before, position] = [await checkpointOf(stage), await logPosition(sql)];
  const updates = rows / rowsPerStatement;
  const where = `WHERE id BETWEEN 1000001 AND ${1_000_000 + rowsPerStatement}`;
  await sql.query(`UPDATE products SET price_cents = price_cents + 1, version = 1 ${where}`);
  for (let update = 1; update < updates; update++) {
    await sql.query(`UPDATE products SET price_cents = price_cents + 1, version = version + 1 ${where}`);
  }
  const version = async (id: number) =>
    Number((await redis.hget(productKey("", String(id)), "product.v")) ?? 0);
  const last = 1_000_000 + rowsPerStatement;
  return {
    name: "hot rows",
    rows,
    checkpoint: before,
    position,
    firstDone: async () => (await version(1_000_001)) >= 1,
    lastDone: async () => (await version(last)) === updates,
    forget: async () => {
      const ids = Array.from({ length: rowsPerStatement }, (_, at) => productKey("", String(1_000_001 + at)));
      await redis.unlink(ids);
      await redis.del(changesKey(""));
    },
  };
}

export async function bareZongji(stage: Stage, log: RecordedLog): Promise<CatchUp> {
  const script = join(checkout, "bench/src/relay/bare-zongji.ts");
  const args = [...RELAY_NODE_FLAGS, script, stage.mysqlUrl, log.position, "products", String(log.rows)];
  const { stdout } = await run(process.execPath, args);
  const { ms, cpuUs } = JSON.parse(stdout) as { ms: number; cpuUs: number };
  return { rowsPerSecond: (log.rows / ms) * 1_000, cpuUsPerRow: cpuUs / log.rows };
}

export async function relay(stage: Stage, log: RecordedLog): Promise<CatchUp> {
  await log.forget();
  await stage.redis.set(checkpointKey(""), log.checkpoint);
  const process = stage.startRelay();
  try {
    while (!(await log.firstDone())) await delay(1);
    const [startMs, startCpuUs] = [performance.now(), cpuTimeUs(process.pid)];
    while (!(await log.lastDone())) await delay(1);
    const ms = performance.now() - startMs;
    const cpuUs = cpuTimeUs(process.pid) - startCpuUs;
    return { rowsPerSecond: (log.rows / ms) * 1_000, cpuUsPerRow: cpuUs / log.rows };
  } finally {
    await process.stop();
  }
}

async function checkpointOf({ redis }: Stage): Promise<string> {
  return String(await redis.get(checkpointKey("")));
}
