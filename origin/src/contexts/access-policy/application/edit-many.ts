import { canonicalCidr, type EditListsDependencies, endsBefore, type NewEntry } from "./edit-lists.ts";
import type { ListEntry, ListName } from "./ports.ts";

export const bulkLimits = {
  /** Entries written by one statement: short locks, and one change after the other for the relay. */
  batchMax: 500,
  /** In an answer of one piece; who takes it line by line is told of all. */
  faultsShownMax: 1_000,
} as const;

/** A line of a bulk request: the entry, or what is wrong with it. */
export type Line<Value> =
  | { readonly line: number; readonly value: Value }
  | { readonly line: number; readonly message: string };

export interface BulkProgress {
  /** Entries that were put or removed. */
  readonly done: number;
  /** How many of them were there just so: nothing was written, and no edge hears of them. */
  readonly unchanged: number;
  /** Lines that were not understood and passed over. */
  readonly faulty: number;
}

export interface LineFault {
  readonly line: number;
  readonly message: string;
}

export interface BulkResult extends BulkProgress {
  /** The first of them. */
  readonly faults: LineFault[];
}

/** What comes of a bulk request while it lasts: each fault, and after each batch how far it is. The last is progress. */
export type BulkEvent = { readonly fault: LineFault } | { readonly progress: BulkProgress };

/**
 * Puts entry by entry, in batches: what was done before a failure stays, and doing all again does no harm, nor does it
 * cost more than looking.
 */
export function putEntries(
  { lists, clock }: EditListsDependencies,
  list: ListName,
  lines: AsyncIterable<Line<NewEntry>>,
): AsyncGenerator<BulkEvent> {
  return inBatches(
    lines,
    (entry) => (endsBefore(entry, clock()) ? "would end before it begins" : undefined),
    async (entries) => {
      const createdAtMs = clock();
      const written = await lists.putAll(
        list,
        entries.map((entry) => ({ ...entry, createdAtMs })),
      );
      return { done: entries.length, unchanged: entries.length - written };
    },
  );
}

/** Removes entry by entry; what the list does not have is passed over. */
export function removeEntries(
  { lists, clock }: EditListsDependencies,
  list: ListName,
  lines: AsyncIterable<Line<{ readonly cidr: string }>>,
): AsyncGenerator<BulkEvent> {
  const remove = async (entries: readonly { cidr: string }[]) => {
    const cidrs = entries.map(({ cidr }) => cidr);
    return { done: await lists.removeAll(list, cidrs, clock()), unchanged: 0 };
  };
  return inBatches(lines, () => undefined, remove);
}

/** All of it at its end. */
export async function collected(events: AsyncIterable<BulkEvent>): Promise<BulkResult> {
  const faults: LineFault[] = [];
  let progress: BulkProgress = { done: 0, unchanged: 0, faulty: 0 };
  for await (const event of events) {
    if ("progress" in event) progress = event.progress;
    else if (faults.length < bulkLimits.faultsShownMax) faults.push(event.fault);
  }
  return { ...progress, faults };
}

/** All live entries, page by page. */
export async function* allEntries(
  { lists, clock }: EditListsDependencies,
  list: ListName,
): AsyncGenerator<ListEntry> {
  let afterId = 0;
  for (;;) {
    const page = await lists.page(list, afterId, bulkLimits.batchMax, clock());
    yield* page;
    if (page.length < bulkLimits.batchMax) return;
    afterId = (page.at(-1) as ListEntry).id;
  }
}

async function* inBatches<Value extends { readonly cidr: string }>(
  lines: AsyncIterable<Line<Value>>,
  faultIn: (value: Value) => string | undefined,
  work: (batch: readonly Value[]) => Promise<Omit<BulkProgress, "faulty">>,
): AsyncGenerator<BulkEvent> {
  let [done, unchanged, faulty] = [0, 0, 0];
  let batch = new Map<string, Value>();
  const flush = async (): Promise<BulkEvent> => {
    if (batch.size > 0) {
      const worked = await work([...batch.values()]);
      done += worked.done;
      unchanged += worked.unchanged;
    }
    batch = new Map();
    return { progress: { done, unchanged, faulty } };
  };
  for await (const one of lines) {
    const read = understood(one, faultIn);
    if (typeof read === "string") {
      faulty += 1;
      yield { fault: { line: one.line, message: read } };
      continue;
    }
    // Of two lines about one block the later one counts.
    batch.set(read.cidr, read);
    if (batch.size >= bulkLimits.batchMax) yield await flush();
  }
  yield await flush();
}

/** The entry with its block as we write it, or what is wrong with the line. */
function understood<Value extends { readonly cidr: string }>(
  line: Line<Value>,
  faultIn: (value: Value) => string | undefined,
): Value | string {
  if ("message" in line) return line.message;
  const cidr = canonicalCidr(line.value.cidr);
  if (cidr === undefined) return "is no address and no CIDR block";
  return faultIn(line.value) ?? { ...line.value, cidr };
}
