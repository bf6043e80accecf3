import { nowMs, sleepMs } from "../platform/clock.ts";
import { readFile } from "../platform/files.ts";
import { logError, logNotice } from "../platform/log.ts";
import { every, later } from "../platform/timers.ts";
import { currentLists, currentPolicy, replaceLists, replacePolicy } from "./access.ts";
import { applyEntry, createAccessLists } from "./access-lists.ts";

/**
 * Policy and lists on disk, so that an edge which starts without Redis enforces what it last knew. Lines of
 * text: format, policy revision, policy (JSON or empty), one entry each, and `end` with their number, by
 * which a file that was cut short is told. Worker 0 writes it beside the traffic; all read it when they start.
 */
const FORMAT = "sluice-access 1";
const FILE_NAME = "access-snapshot";
/**
 * From one write to the next, ms. A change is written at once, unless it comes sooner after a write: then it is on
 * disk after at most so long, plus the time that writing takes.
 */
const WRITE_INTERVAL_MS = 500;
/** Lines written in one go, about a millisecond's work. */
const CHUNK_LINES = 1_000;

/** @perWorker */
let dirty = false;
/** @perWorker */
let writing = false;
/** @perWorker */
let lastWriteMs = 0;
/**
 * Empty in workers that don't write.
 *
 * @perWorker
 */
let folder = "";

export function markSnapshotDirty(): void {
  const first = !dirty;
  dirty = true;
  // Out of the way of who changes what is written: it runs as soon as that one waits for something.
  if (first && folder !== "" && nowMs() - lastWriteMs >= WRITE_INTERVAL_MS) later(0, writeIfDirty);
}

export function startSnapshotWriter(stateDir: string): void {
  folder = stateDir;
  every(WRITE_INTERVAL_MS, writeIfDirty);
}

/** Returns why there is nothing to start from. */
export function loadSnapshot(stateDir: string): string | undefined {
  const path = `${stateDir}/${FILE_NAME}`;
  const [text, readError] = readFile(path);
  if (text === undefined) return readError;
  const lists = createAccessLists();
  let at = 1;
  let lineNumber = 0;
  let version: number | undefined;
  let policy = "";
  let entries = 0;
  let complete = false;
  while (!complete) {
    const [found] = string.find(text, "\n", at, true);
    if (found === undefined) return `${path}: is cut short`;
    const line = string.sub(text, at, found - 1);
    at = found + 1;
    lineNumber += 1;
    if (lineNumber === 1) {
      if (line !== FORMAT) return `${path}: is not a snapshot of this format`;
    } else if (lineNumber === 2) {
      version = tonumber(line);
    } else if (lineNumber === 3) {
      policy = line;
    } else if (line === `end ${string.format("%d", entries)}`) {
      complete = true;
    } else {
      applyEntry(lists, line);
      entries += 1;
    }
  }
  if (version === undefined || !replacePolicy(version, policy)) return `${path}: holds no usable policy`;
  replaceLists(lists);
  logNotice(`starting from the snapshot: policy revision ${version}, ${entries} list entries`);
  return undefined;
}

function writeIfDirty(this: void): void {
  if (!dirty || writing) return;
  dirty = false;
  writing = true;
  lastWriteMs = nowMs();
  const [ok, failure] = pcall(write);
  writing = false;
  if (ok && failure === undefined) return;
  dirty = true;
  logError(`snapshot: ${failure}`);
}

function write(): string | undefined {
  const [version, policy] = currentPolicy();
  // Collected first: the table may change whenever we give way.
  const lines: string[] = [];
  for (const [, text] of currentLists().texts) lines.push(text);
  const path = `${folder}/${FILE_NAME}`;
  const partial = `${path}.partial`;
  const [file, openError] = io.open(partial, "wb");
  if (file === undefined) return openError;
  file.write(`${FORMAT}\n${string.format("%d", version)}\n${policy}\n`);
  for (let start = 1; start <= lines.length; start += CHUNK_LINES) {
    file.write(table.concat(lines, "\n", start, math.min(start + CHUNK_LINES - 1, lines.length)), "\n");
    sleepMs(1);
  }
  const [written, writeError] = file.write(`end ${string.format("%d", lines.length)}\n`);
  file.close();
  if (written === undefined) return writeError as string | undefined;
  const [renamed, renameError] = os.rename(partial, path);
  return renamed ? undefined : renameError;
}
