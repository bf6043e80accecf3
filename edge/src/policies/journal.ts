import { readFile } from "../platform/files.ts";
import { logError } from "../platform/log.ts";

/**
 * What changed since a snapshot was begun, a line each, in a file beside it: a ban is on disk as soon as it is in
 * force, however long the lists are. A line that is not complete, the last one of a worker that died, counts as
 * not written: it is in Redis, behind the position that the line before it told.
 *
 *     e {…}                an entry, as it came
 *     p <revision> {…}     a policy
 *     @ <epoch> <id>       all before it is in: where to go on in the change stream
 */
export interface JournalReader {
  entry(this: void, text: string): void;
  policy(this: void, version: number, text: string): void;
  position(this: void, epoch: string, id: string): void;
}

export function journalPath(folder: string, generation: number): string {
  return `${folder}/access-journal.${string.format("%d", generation)}`;
}

/** Whether there is such a journal. */
export function readJournal(path: string, reader: JournalReader): boolean {
  const [text] = readFile(path);
  if (text === undefined) return false;
  let at = 1;
  for (;;) {
    const [found] = string.find(text, "\n", at, true);
    if (found === undefined) return true;
    readLine(string.sub(text, at, found - 1), reader);
    at = found + 1;
  }
}

function readLine(line: string, reader: JournalReader): void {
  const kind = string.sub(line, 1, 2);
  const rest = string.sub(line, 3);
  if (kind === "e ") {
    reader.entry(rest);
    return;
  }
  const [space] = string.find(rest, " ", 1, true);
  if (space === undefined) return;
  const first = string.sub(rest, 1, space - 1);
  const second = string.sub(rest, space + 1);
  const version = tonumber(first);
  if (kind === "@ ") reader.position(first, second);
  else if (kind === "p " && version !== undefined) reader.policy(version, second);
}

/** Writes the lines at once. Returns whether it could. */
export function appendLines(file: LuaFile, lines: string[]): boolean {
  const [written, failure] = file.write(`${table.concat(lines, "\n")}\n`);
  if (written === undefined) logError(`journal: ${failure}`);
  else if (file.flush()) return true;
  else logError("journal: cannot be written");
  return false;
}
