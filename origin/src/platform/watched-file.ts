import { stat } from "node:fs/promises";
import type { Logger } from "./logger.ts";
import { repeat } from "./repeat.ts";

/** A change of a watched file is seen within so long. */
export const watchIntervalMs = 1_000;

export interface WatchedFile<T> {
  /** What was last read whole and without a fault. */
  current(): T;
  /** Reads again at once; throws when that fails. */
  reload(): Promise<T>;
  close(): Promise<void>;
}

/**
 * A file that may be replaced while the process runs. The first read must succeed; of a later one that fails the
 * log tells, and what was there before stays. Looks by path and not by inotify, which sees neither a mount that was
 * swapped nor another machine's write; whoever writes the file renames it into its place.
 */
export async function watchFile<T>(
  path: string,
  read: (path: string) => Promise<T>,
  logger: Logger,
): Promise<WatchedFile<T>> {
  let seen = await stampOf(path);
  let value = await read(path);
  const reload = async () => {
    const stamp = await stampOf(path);
    value = await read(path);
    seen = stamp;
    return value;
  };
  const watching = repeat(
    `follow ${path}`,
    () => watchIntervalMs,
    async () => {
      if ((await stampOf(path)) === seen) return;
      await reload();
      logger.info({ file: path }, "read again, because it was replaced");
    },
    logger,
  );
  return { current: () => value, reload, close: () => watching.close() };
}

/** What changes when the file does; throws when there is none. */
export async function stampOf(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  return `${ino}:${size}:${mtimeNs}`;
}
