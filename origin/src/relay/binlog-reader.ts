import type { Readable } from "node:stream";
import ZongJi, { type AnyBinlogEvent } from "@vlasky/zongji";
import { databaseOf, exactConnection } from "./connection.ts";
import { RowBuffer, type RowChange } from "./row-buffer.ts";
import { tapRows } from "./rows-tap.ts";

/**
 * Follows the binlog from a GTID position. Rows are collected while the consumer is busy with the last batch,
 * so batches grow with the load: one row when idle, thousands when catching up. A full buffer pauses the
 * socket, so the server waits and memory stays bounded whatever the size of a transaction.
 *
 * A server writes a transaction into its binlog when it commits, so a row that was read is committed and may
 * be applied before the end of its transaction was read. A position, however, names whole transactions only.
 *
 * zongji does not reconnect: after any failure this reader is done and `take` throws; its owner makes a new
 * one. A half-open connection ends without an error, so silence of three heartbeats counts as a failure.
 */
export interface BinlogReader {
  /**
   * Waits at most `waitMs` for something to apply. A batch without changes still carries the position.
   * Throws what ended the reader.
   */
  take(waitMs: number): Promise<LogBatch>;
  /** The server accepted the position and has sent something. */
  isStreaming(): boolean;
  bufferedRows(): number;
  close(): Promise<void>;
}

export interface LogBatch {
  readonly changes: readonly RowChange[];
  /** Every transaction up to here is in this batch or in one before. */
  readonly position: string;
  /** Where that is in the server's files; undefined before it said so. */
  readonly log: { readonly file: string; readonly position: number } | undefined;
}

export interface BinlogReaderOptions {
  readonly url: string;
  /** Unique among all that replicate from this server; another one with the same number is cut off. */
  readonly serverId: number;
  readonly position: string;
  /** Table → the columns that somebody looks at. */
  readonly tables: ReadonlyMap<string, readonly string[]>;
}

export const readerLimits = {
  heartbeatMs: 1_000,
  silenceMaxMs: 3_000,
  stopTimeoutMs: 1_500,
} as const;

/** DELETEs are left out: nothing projected is deleted while it matters (see `ProjectedTable`). */
const events = ["tablemap", "writerows", "updaterows", "heartbeat", "rotate"];

export function openBinlog(options: BinlogReaderOptions): BinlogReader {
  const zongji = new ZongJi(exactConnection(options.url));
  const wakeups = new Wakeups();
  const buffer = new RowBuffer(options.tables);
  let failure: Error | undefined;
  let paused = false;
  let lastHeardMs = performance.now();
  let streaming = false;

  const fail = (error: Error) => {
    failure ??= error;
    wakeups.wake();
  };

  const onEvent = (event: AnyBinlogEvent) => {
    streaming = true;
    if (buffer.add(event)) onRows();
  };

  const onRows = () => {
    if (!paused && buffer.isFull()) {
      paused = true;
      zongji.connection?.pause();
    }
    wakeups.wake();
  };

  zongji.on("error", fail);
  zongji.on("binlog", onEvent);
  tapRows(zongji, options.tables, (table, inserted, rows, bytes) => {
    streaming = true;
    buffer.addRows(table.tableName, inserted, rows, bytes);
    onRows();
  });
  zongji.start({
    serverId: options.serverId,
    gtidSet: options.position,
    includeEvents: events,
    includeSchema: { [databaseOf(options.url)]: [...options.tables.keys()] },
  });
  // Statements of one connection run in order, and start() sends the dump command last.
  const periodNs = readerLimits.heartbeatMs * 1_000_000;
  const setPeriod = `SET @master_heartbeat_period = ${periodNs}, @source_heartbeat_period = ${periodNs}`;
  zongji.connection?.query(setPeriod, (error) => error && fail(error));
  socketOf(zongji)?.on("data", () => {
    lastHeardMs = performance.now();
  });

  const watchdog = setInterval(() => {
    if (paused || performance.now() - lastHeardMs < readerLimits.silenceMaxMs) return;
    fail(new Error(`the binlog stream was silent for ${readerLimits.silenceMaxMs} ms`));
  }, readerLimits.heartbeatMs / 2);

  return {
    take: async (waitMs) => {
      if (failure === undefined && buffer.length === 0) await wakeups.wait(waitMs);
      if (failure !== undefined) throw failure;
      // Taken together and without a wait between: the position covers exactly what was buffered until now.
      const changes = buffer.drain();
      const position = zongji.gtidSet ?? options.position;
      if (paused) {
        paused = false;
        lastHeardMs = performance.now();
        zongji.connection?.resume();
      }
      return { changes, position, log: placeInLog(zongji) };
    },
    isStreaming: () => streaming,
    bufferedRows: () => buffer.length,
    close: async () => {
      clearInterval(watchdog);
      fail(new Error("the reader was closed"));
      await stopped(zongji);
    },
  };
}

/** One waiter, woken by an event or by its own timeout. */
class Wakeups {
  #wake: (() => void) | undefined;

  wake(): void {
    this.#wake?.();
  }

  async wait(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, timeoutMs);
    });
    this.#wake = undefined;
    clearTimeout(timer);
  }
}

function placeInLog(zongji: ZongJi): LogBatch["log"] {
  const { filename, position } = zongji.get(["filename", "position"]) as Record<string, unknown>;
  if (typeof filename !== "string" || typeof position !== "number") return undefined;
  return { file: filename, position };
}

/** mysql2 does not declare its socket. Bytes are the one sign of life that no event filter hides. */
function socketOf(zongji: ZongJi): Readable | undefined {
  return (zongji.connection as unknown as { stream?: Readable } | null)?.stream;
}

/** zongji kills its dump thread by a second connection, which may be the one that hangs. */
async function stopped(zongji: ZongJi): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, readerLimits.stopTimeoutMs);
    zongji.once("stopped", resolve);
    zongji.stop();
  });
  clearTimeout(timer);
}
