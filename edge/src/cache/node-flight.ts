import { decode, encode } from "cjson.safe";
import { preciseNowMs, sleepMs } from "../platform/clock.ts";
import { addNote, dropNote, readNote, replaceNote } from "../platform/node-notes.ts";
import { type Filled, filledWith, fillFromOrigin, okPage, pageOf } from "./page.ts";
import { REFUSED, WAIT_MAX_S } from "./single-flight.ts";

/**
 * One question to the origin for all workers of a node. Who asks leaves a note that it does, and then what it was
 * told; the others look at the note until it says so, and ask for themselves when none is there any more.
 *
 *     nothing ──asks──▶ under way ──answered──▶ page, for `SHARED_MS` ──▶ nothing
 *                          │ └───── failed ───▶ for who waited
 *                          └── the worker died ──▶ nothing, after `WAIT_MAX_S`
 *
 * A worker that knows of a change takes no answer to what was asked before: notes carry the time, by the one clock
 * that all workers have, and such a worker asks anew.
 */
interface Note {
  begunMs: number;
  /** 0 while it is under way. */
  endedMs: number;
  /** 0 when the origin had no answer. */
  status: number;
  body: string;
  bodyAfterId?: string;
}

/** For so long workers that come later take the same answer. */
const SHARED_MS = 1_000;
const WAIT_MAX_MS = WAIT_MAX_S * 1_000;
/** Between two looks at the note of another worker; each is twice as long as the one before. */
const PAUSE_FIRST_MS = 1;
const PAUSE_MAX_MS = 20;

/** `changedAtMs`: when this worker last heard of a change to what is asked for. */
export function askOnce(key: string, changedAtMs: number, path: string, query: string | undefined): Filled {
  const askedMs = preciseNowMs();
  const mine = noteText({ begunMs: askedMs, endedMs: 0, status: 0, body: "" });
  let waitedMs = 0;
  let pauseMs = PAUSE_FIRST_MS;
  while (waitedMs < WAIT_MAX_MS) {
    const written = addNote(key, mine, WAIT_MAX_MS);
    if (written === "written") return ask(key, askedMs, path, query);
    if (written === "no-room") return fillFromOrigin(path, query);
    const note = noteOf(readNote(key));
    if (note !== undefined) {
      if (!concerns(note, changedAtMs, askedMs)) {
        replaceNote(key, mine, WAIT_MAX_MS);
        return ask(key, askedMs, path, query);
      }
      if (note.endedMs !== 0) return filledOf(note);
    }
    sleepMs(pauseMs);
    waitedMs += pauseMs;
    pauseMs = math.min(PAUSE_MAX_MS, pauseMs * 2);
  }
  return REFUSED;
}

/** Whether its answer is one for who knows of that change. A failure is one only for who was waiting. */
function concerns(note: Note, changedAtMs: number, askedMs: number): boolean {
  if (note.begunMs <= changedAtMs) return false;
  return note.endedMs === 0 || note.status !== 0 || note.endedMs > askedMs;
}

function ask(key: string, begunMs: number, path: string, query: string | undefined): Filled {
  const filled = fillFromOrigin(path, query);
  if (filled.isPrivate) {
    dropNote(key);
    return filled;
  }
  const page = filled.page;
  const note: Note = { begunMs, endedMs: preciseNowMs(), status: 0, body: "" };
  if (page !== undefined && page.status < 500) {
    note.status = page.status;
    note.body = page.body;
    if (page.bodyAfterId !== undefined) note.bodyAfterId = page.bodyAfterId;
  }
  // Who began after us knows more: its note stays.
  const now = noteOf(readNote(key));
  if (now === undefined || now.begunMs <= begunMs) replaceNote(key, noteText(note), SHARED_MS);
  return filled;
}

function filledOf({ status, body, bodyAfterId, begunMs }: Note): Filled {
  if (status === 0) return REFUSED;
  const page = status === 200 ? okPage(body, begunMs) : pageOf(status, body, bodyAfterId, "", begunMs);
  return filledWith(page, false);
}

function noteText(note: Note): string {
  const [text] = encode(note);
  return text as string;
}

function noteOf(text: string | undefined): Note | undefined {
  if (text === undefined) return undefined;
  const [note] = decode(text);
  return note as Note | undefined;
}
