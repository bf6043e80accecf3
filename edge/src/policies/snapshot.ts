import { type AddressTable, NONE } from "@sluice/contract/policy/address-table.ts";
import { checksumOfMemory } from "../platform/checksum.ts";
import { giveWay } from "../platform/clock.ts";
import { openEmpty, openToAppend, readBytes, writeBytes } from "../platform/files.ts";
import { logError, logNotice } from "../platform/log.ts";
import { later } from "../platform/timers.ts";
import { currentLists, currentPolicy, replacePolicy } from "./access.ts";
import { applyEntry, countEntries, sharedEntries } from "./access-lists.ts";
import { appendLines, journalPath, readJournal } from "./journal.ts";
import { createPiece, PIECE_ENTRIES, packEntries, RECORD_BYTES, unpackEntries } from "./records.ts";

/**
 * Policy and lists on disk, from which an edge starts, or a worker again, with or without Redis: a snapshot, and a
 * journal of what came after it. Worker 0 writes both beside the traffic; all read them when they start, and go on
 * in the change stream where the journal ends.
 *
 * The snapshot: lines of text with format, generation, policy revision, policy (JSON or empty), epoch and position;
 * then pieces, each a line `<list> <bytes> <checksum>` and its bytes (`records.ts`); and `end`. Journals have the number
 * of the snapshot that they follow. A snapshot is begun by a new journal and replaces the one before when it is
 * complete; entries that change while it is written are in the new journal. Until then a start takes entries from it and
 * no position: the old snapshot lacks what a load brought, so that all behind it is read from Redis again.
 */
const FORMAT = "sluice-access 2";
const FILE_NAME = "access-snapshot";
/** Lines of a journal after which a new snapshot is written; reading them takes some tenths of a second. */
const JOURNAL_LINES_MAX = 50_000;
/** While no snapshot can be written: what is more is not kept, and the journal begins anew. */
const JOURNAL_LINES_KEPT = 200_000;
const RETRY_MS = 5_000;
/** Each piece says beside its checksum what it is. */
const SEED = 0;

export interface Position {
  epoch: string;
  position: string;
}

/** @perWorker */
let folder = "";
/** @perWorker */
let generation = 0;
/** Of the snapshot that the files were read from. @perWorker */
let snapshotGeneration = 0;
/** The oldest journal that may be there. @perWorker */
let oldest = 0;
/** @perWorker */
let journal: LuaFile | undefined;
/** @perWorker */
let journalLines = 0;
/** @perWorker */
let pending: string[] = [];
/** @perWorker */
let writing = false;
/** The last one failed, and the next one is due. @perWorker */
let waiting = false;
/** The journal of that generation was begun here, and its snapshot is not complete. @perWorker */
let begun = false;
/** What the journal holds is of before a load, and void. @perWorker */
let voided = false;
/** @perWorker */
let last: Position = { epoch: "", position: "" };

/** An entry that changed, as it came. */
export function noteEntry(text: string): void {
  if (folder !== "") pending.push(`e ${text}`);
}

export function notePolicy(): void {
  if (folder === "") return;
  const [version, text] = currentPolicy();
  pending.push(`p ${string.format("%d", version)} ${text}`);
}

/** Puts on disk what was noted: all up to here is in force. */
export function notePosition(epoch: string, position: string): void {
  last = { epoch, position };
  if (folder === "" || pending.length === 0) return;
  if (journal === undefined) {
    // A snapshot holds what is noted here, too: it is written from what is in force.
    pending = [];
    writeSnapshot();
    return;
  }
  pending.push(`@ ${epoch} ${position}`);
  journalLines += pending.length;
  const lines = pending;
  pending = [];
  if (!appendLines(journal, lines)) journal = undefined;
  else if (journalLines > JOURNAL_LINES_KEPT) giveJournalUp(journal);
  if (journal === undefined || journalLines > JOURNAL_LINES_MAX) writeSnapshot();
}

function giveJournalUp(full: LuaFile): void {
  logError("journal: is full while no snapshot can be written; on disk are policy and lists of before");
  full.close();
  journal = undefined;
  voided = true;
}

/** Everything was loaded afresh: what the files tell is not continued, a new snapshot takes their place. */
export function noteLoad(epoch: string, position: string): void {
  last = { epoch, position };
  pending = [];
  if (journal !== undefined) journal.close();
  journal = undefined;
  voided = true;
  writeSnapshot();
}

/** Only this worker writes. */
export function startSnapshotWriter(stateDir: string): void {
  folder = stateDir;
  if (generation === 0) return;
  journal = openToAppend(journalPath(folder, generation));
  // The last line may be cut short, and is ended here.
  if (journal !== undefined && !appendLines(journal, [""])) journal = undefined;
  if (generation > snapshotGeneration) writeSnapshot();
}

/** A new snapshot of all that is in force, out of the way of who asks for it. */
export function writeSnapshot(): void {
  if (folder === "" || writing || waiting) return;
  writing = true;
  later(0, writeGuarded);
}

function writeGuarded(this: void): void {
  const [ok, failure] = pcall(write);
  writing = false;
  if (!ok || failure !== undefined) logError(`snapshot: ${failure}`);
  // Without a journal, what changed or was loaded meanwhile is on no disk.
  else if (journal !== undefined) return;
  waiting = true;
  later(RETRY_MS, () => {
    waiting = false;
    writeSnapshot();
  });
}

function write(): string | undefined {
  const next = begun ? generation : generation + 1;
  const failure = beginJournal(next);
  if (journal === undefined) return failure;
  const shared = sharedEntries(currentLists()).map((text) => `e ${text}`);
  if (shared.length > 0 && !appendLines(journal, shared)) return "the journal cannot be written";
  const path = `${folder}/${FILE_NAME}`;
  const partial = `${path}.partial`;
  const [file, openError] = io.open(partial, "wb");
  if (file === undefined) return openError;
  const contentFailure = writeContent(file, next);
  // What is still in the buffer may be what the disk has no room for.
  const closed = file.close();
  if (contentFailure !== undefined || !closed) {
    // It may take the room that the journal needs.
    os.remove(partial);
    return contentFailure === undefined ? `${partial}: cannot be written` : contentFailure;
  }
  const [renamed, renameError] = os.rename(partial, path);
  if (!renamed) return renameError;
  begun = false;
  while (oldest < generation) {
    os.remove(journalPath(folder, oldest));
    oldest += 1;
  }
  return undefined;
}

/**
 * What changes from now on goes there. After a snapshot that failed its journal is gone on with, so that a disk that
 * refuses is not filled with journals: what it lacks, of when it could not be written, is in the snapshot that is
 * begun now, and before that is complete no position is taken from it.
 */
function beginJournal(next: number): string | undefined {
  const path = journalPath(folder, next);
  const isGoneOnWith = begun && !voided;
  if (isGoneOnWith && journal !== undefined) return undefined;
  // Of an earlier count, after a snapshot that could not be read: a start must not go on to it.
  os.remove(journalPath(folder, next + 1));
  const opened = isGoneOnWith ? openToAppend(path) : openEmpty(path);
  if (opened === undefined) return `${path}: cannot be written`;
  if (journal !== undefined) journal.close();
  journal = opened;
  if (!isGoneOnWith) journalLines = 0;
  generation = next;
  begun = true;
  voided = false;
  // The last line may be cut short, and is ended here.
  if (isGoneOnWith && !appendLines(journal, [""])) journal = undefined;
  return journal === undefined ? `${path}: cannot be written` : undefined;
}

function writeContent(file: LuaFile, number: number): string | undefined {
  const [version, policy] = currentPolicy();
  const numbers = `${string.format("%d", number)}\n${string.format("%d", version)}`;
  const [headWritten, headFailure] = file.write(
    `${FORMAT}\n${numbers}\n${policy}\n${last.epoch}\n${last.position}\n`,
  );
  if (headWritten === undefined) return headFailure as string | undefined;
  const lists = currentLists();
  let listFailure = writeList(file, "allow", lists.allow);
  if (listFailure === undefined) listFailure = writeList(file, "deny", lists.deny);
  if (listFailure !== undefined) return listFailure;
  const [endWritten, endFailure] = file.write("end\n");
  return endWritten === undefined ? (endFailure as string | undefined) : undefined;
}

function writeList(file: LuaFile, name: string, addresses: AddressTable): string | undefined {
  const piece = createPiece();
  let at = 0;
  while (at !== NONE) {
    const [count, next] = packEntries(piece, addresses, at);
    at = next;
    if (count === 0) continue;
    const bytes = count * RECORD_BYTES;
    const sum = string.format("%.0f", checksumOfMemory(piece, bytes, SEED));
    const [written, failure] = file.write(`${name} ${string.format("%d", bytes)} ${sum}\n`);
    if (written === undefined) return failure as string | undefined;
    if (!writeBytes(file, piece, bytes)) return "it cannot be written";
    giveWay();
  }
  return undefined;
}

/** What stands in the files. Returns where to go on in the change stream, or why there is nothing to start from. */
export function loadSnapshot(
  stateDir: string,
): LuaMultiReturn<[Position | undefined, undefined] | [undefined, string]> {
  const path = `${stateDir}/${FILE_NAME}`;
  const [file, openError] = io.open(path, "rb");
  if (file === undefined) return $multi(undefined, openError as string);
  const failure = readSnapshot(file, path);
  file.close();
  if (failure !== undefined) return $multi(undefined, failure);
  snapshotGeneration = generation;
  oldest = generation;
  let next = generation;
  let from = last;
  while (readJournal(journalPath(stateDir, next), journalReader)) {
    if (next === snapshotGeneration) from = last;
    next += 1;
  }
  if (next > generation) generation = next - 1;
  last = from;
  const [version] = currentPolicy();
  logNotice(
    `starting from the snapshot: policy revision ${version}, ${countEntries(currentLists())} list entries`,
  );
  return $multi(last.position === "" ? undefined : last, undefined);
}

const journalReader = {
  entry: (text: string) => {
    applyEntry(currentLists(), text);
  },
  policy: (version: number, text: string) => {
    const [held] = currentPolicy();
    if (version > held) replacePolicy(version, text);
  },
  position: (epoch: string, position: string) => {
    last = { epoch, position };
  },
};

/** Puts lists and policy in force. Returns what is wrong; the policy, without which nothing is decided, comes last. */
function readSnapshot(file: LuaFile, path: string): string | undefined {
  if (readLine(file) !== FORMAT) return `${path}: is not a snapshot of this format`;
  const number = tonumber(readLine(file));
  const version = tonumber(readLine(file));
  const policy = readLine(file);
  const epoch = readLine(file);
  const position = readLine(file);
  if (number === undefined || version === undefined) return `${path}: is cut short`;
  const piece = createPiece();
  for (;;) {
    const head = readLine(file);
    if (head === "end") break;
    const [found, , name, length, sum] = string.find(head, "^(%l+) (%d+) (%d+)$");
    if (found === undefined) return `${path}: is cut short`;
    const bytes = tonumber(length) as number;
    const isWhole = bytes <= PIECE_ENTRIES * RECORD_BYTES && readBytes(file, piece, bytes);
    if (!isWhole || checksumOfMemory(piece, bytes, SEED) !== tonumber(sum))
      return `${path}: is cut short or damaged`;
    const addresses = name === "allow" ? currentLists().allow : currentLists().deny;
    unpackEntries(addresses, piece, Math.floor(bytes / RECORD_BYTES));
  }
  if (!replacePolicy(version, policy)) return `${path}: holds no usable policy`;
  generation = number;
  last = { epoch, position };
  return undefined;
}

/** Empty at the end of the file. */
function readLine(file: LuaFile): string {
  const line = file.read("*l");
  return line === undefined ? "" : (line as string);
}
