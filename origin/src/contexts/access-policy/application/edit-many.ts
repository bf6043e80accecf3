import { canonicalCidr, type EditListsDependencies, endsBefore, type NewEntry } from "./edit-lists.ts";
import type { ListEntry, ListName } from "./ports.ts";

export const bulkLimits = {
  /** Entries written by one statement: short locks, and one change after the other for the relay. */
  batchMax: 500,
  faultsShownMax: 20,
} as const;

/** A line of a bulk request: the entry, or what is wrong with it. */
export type Line<Value> =
  | { readonly line: number; readonly value: Value }
  | { readonly line: number; readonly message: string };

export interface BulkResult {
  /** Entries that were put or removed. */
  readonly done: number;
  /** Lines that were not understood and passed over. */
  readonly faulty: number;
  /** The first of them. */
  readonly faults: { line: number; message: string }[];
}

/** Puts entry by entry, in batches: what was done before a failure stays, and doing all again does no harm. */
export function putEntries(
  { lists, clock }: EditListsDependencies,
  list: ListName,
  lines: AsyncIterable<Line<NewEntry>>,
): Promise<BulkResult> {
  return inBatches(
    lines,
    (entry) => (endsBefore(entry, clock()) ? "would end before it begins" : undefined),
    async (entries) => {
      const createdAtMs = clock();
      await lists.putAll(
        list,
        entries.map((entry) => ({ ...entry, createdAtMs })),
      );
      return entries.length;
    },
  );
}

/** Removes entry by entry; what the list does not have is passed over. */
export function removeEntries(
  { lists, clock }: EditListsDependencies,
  list: ListName,
  lines: AsyncIterable<Line<{ readonly cidr: string }>>,
): Promise<BulkResult> {
  const remove = (entries: readonly { cidr: string }[]) =>
    lists.removeAll(
      list,
      entries.map(({ cidr }) => cidr),
      clock(),
    );
  return inBatches(lines, () => undefined, remove);
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

async function inBatches<Value extends { readonly cidr: string }>(
  lines: AsyncIterable<Line<Value>>,
  faultIn: (value: Value) => string | undefined,
  work: (batch: readonly Value[]) => Promise<number>,
): Promise<BulkResult> {
  const faults: { line: number; message: string }[] = [];
  let [done, faulty] = [0, 0];
  let batch = new Map<string, Value>();
  for await (const one of lines) {
    const cidr = "value" in one ? canonicalCidr(one.value.cidr) : undefined;
    const message =
      "message" in one
        ? one.message
        : cidr === undefined
          ? "is no address and no CIDR block"
          : faultIn(one.value);
    if (message !== undefined || cidr === undefined || !("value" in one)) {
      faulty += 1;
      if (faults.length < bulkLimits.faultsShownMax) faults.push({ line: one.line, message: message ?? "" });
      continue;
    }
    // Of two lines about one block the later one counts.
    batch.set(cidr, { ...one.value, cidr });
    if (batch.size < bulkLimits.batchMax) continue;
    done += await work([...batch.values()]);
    batch = new Map();
  }
  if (batch.size > 0) done += await work([...batch.values()]);
  return { done, faulty, faults };
}
