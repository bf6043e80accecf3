import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";

const TAIL_BYTES_MAX = 64 * 1024;

/** Everything after `offset`, but never more than the last 64 KiB. */
export function readLogFrom(path: string, offset: number): string {
  if (!existsSync(path)) return "";
  const size = statSync(path).size;
  // Smaller than it was: it has been cut off since, and everything in it is newer.
  const from = Math.max(size < offset ? 0 : offset, size - TAIL_BYTES_MAX);
  const buffer = Buffer.alloc(Math.max(0, size - from));
  const file = openSync(path, "r");
  try {
    return buffer.toString("utf8", 0, readSync(file, buffer, 0, buffer.length, from));
  } finally {
    closeSync(file);
  }
}

export function lastLines(path: string, offset: number, lines = 15): string {
  return readLogFrom(path, offset).trimEnd().split("\n").slice(-lines).join("\n");
}
