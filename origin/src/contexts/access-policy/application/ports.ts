import type { DecisionRecord } from "@sluice/contract/decision-record.ts";
import type { PolicyDocument } from "@sluice/contract/policy/document.ts";
import type { PastBans } from "../domain/ban-escalation.ts";

export type ListName = "allow" | "deny";

/** A live entry, as operators see it. */
export interface ListEntry {
  readonly id: number;
  readonly list: ListName;
  readonly cidr: string;
  readonly reason: string;
  readonly source: string;
  readonly createdAtMs: number;
  /** Undefined: until somebody removes it. */
  readonly expiresAtMs: number | undefined;
}

/** What is undefined stays as it is when the block has a live entry. */
export interface EntryToPut extends Pick<ListEntry, "cidr" | "createdAtMs"> {
  readonly reason: string | undefined;
  readonly source: string | undefined;
  /** Null: until somebody removes it. */
  readonly expiresAtMs: number | null | undefined;
}

export interface PutEntry {
  readonly entry: ListEntry;
  readonly added: boolean;
}

export interface PutBan extends PutEntry {
  /** How many bans of the block are remembered, this one among them. */
  readonly bans: number;
}

export interface AccessLists {
  /** Adds the block, or changes what is said of the one that is there. */
  put(list: ListName, entry: EntryToPut): Promise<PutEntry>;
  /**
   * As `put`, on the deny list, and remembered as a ban of this block for so long; `lengthOf` is asked, with the block
   * locked, how long that is after the bans that are remembered of it.
   */
  ban(entry: EntryToPut, lengthOf: (past: PastBans | undefined) => number): Promise<PutBan>;
  /** False when there is no such live entry. */
  remove(list: ListName, cidr: string, nowMs: number): Promise<boolean>;
  /** Puts all of them in one statement; each block may come once. Returns how many were not there just so already. */
  putAll(list: ListName, entries: readonly EntryToPut[]): Promise<number>;
  /** Returns how many live entries were removed. */
  removeAll(list: ListName, cidrs: readonly string[], nowMs: number): Promise<number>;
  /**
   * Deletes entries that ended or were removed before that, at most `max`, and returns how many. `dropFirst`
   * runs while they are locked, so that nobody can put one of them back meanwhile.
   */
  forgetEnded(
    beforeMs: number,
    max: number,
    dropFirst: (ids: readonly number[]) => Promise<void>,
  ): Promise<number>;
  /** Forgets bans that ended before that, at most `max`; returns how many. */
  forgetBans(endedBeforeMs: number, max: number): Promise<number>;
  /** Live entries with an id above `afterId`, in order of id. */
  page(list: ListName, afterId: number, limit: number, nowMs: number): Promise<ListEntry[]>;
  /** Live entries of both lists whose block is one of these. */
  amongBlocks(cidrs: readonly string[], nowMs: number): Promise<ListEntry[]>;
}

export interface Revision {
  readonly revision: number;
  readonly author: string;
  readonly reason: string;
  readonly createdAtMs: number;
}

export interface PublishedRevision extends Revision {
  readonly document: PolicyDocument;
}

export type Publication =
  | { readonly outcome: "published"; readonly revision: number }
  | { readonly outcome: "stale"; readonly revision: number };

export interface Policies {
  current(): Promise<{ readonly revision: number; readonly document: PolicyDocument }>;
  /** Publishes when `replaces` is in force (or whatever is, when it is undefined). */
  publish(draft: Omit<PublishedRevision, "revision">, replaces: number | undefined): Promise<Publication>;
  revision(revision: number): Promise<PublishedRevision | undefined>;
  /** Revisions below `beforeRevision`, the latest first. */
  page(beforeRevision: number, limit: number): Promise<Revision[]>;
}

/** What the geo data say of a canonical address. */
export interface Geo {
  /** ISO 3166-1 alpha-2, or `ZZ`. */
  countryOf(address: string): string;
  /** The number of the autonomous system, or 0. */
  asnOf(address: string): number;
  /** Without them every network is unknown. */
  hasNetworks(): boolean;
}

/** A file of geo data as the api uses it. */
export interface GeoFileState {
  readonly file: string;
  /** What is wrong with what lies there now; the data before it are used. */
  readonly problem: string | null;
  readonly type: string | null;
  readonly builtAtMs: number | null;
}

export interface OriginGeo {
  readonly country: GeoFileState;
  /** Null when it was given no file of networks. */
  readonly asn: GeoFileState | null;
}

/** What edges told, by field (`contract/src/geo-report.ts`); undefined while Redis is away. */
export type GeoReports = () => Promise<Readonly<Record<string, string>> | undefined>;

export interface RecordedDecision extends DecisionRecord {
  /** Where it stands in the record; later ones are greater. */
  readonly id: string;
}

/** The sample of decisions that edges record. All refuse while Redis is away. */
export interface RecordedDecisions {
  /** Before `before`, or up to the newest; the latest first. */
  latest(before: string | undefined, limit: number): Promise<RecordedDecision[]>;
  /** In batches, the oldest first. */
  since(sinceMs: number): AsyncIterable<readonly RecordedDecision[]>;
  count(): Promise<number>;
  /** What edge workers counted, every decision and not the sample; see `contract/src/decision-counters.ts`. */
  counters(): Promise<Record<string, string>>;
}
