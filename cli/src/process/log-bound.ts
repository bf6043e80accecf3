/**
 * Bounds the log folder of a system that runs for months: a log that has grown over its limit becomes
 * `<name>.log.1` and starts again empty, so each name holds twice the limit at most. The content is copied
 * and the file cut off, not renamed: whoever writes holds it open for appending and simply goes on. Lines
 * written between the copy and the cut are lost; they would be the price of asking every process to reopen.
 */
import { copyFileSync, readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";

export const LOG_BYTES_MAX = 64 * 1024 * 1024;

export function boundLogs(folder: string, bytesMax = LOG_BYTES_MAX): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!name.endsWith(".log") || statSync(path).size <= bytesMax) continue;
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
  }
}
