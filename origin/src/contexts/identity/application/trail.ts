import type { Client } from "./client.ts";

/** What is remembered of who came and went. Names are stable: operators filter by them. */
export const trailKinds = [
  "registered",
  "registration_refused",
  "signed_in",
  "sign_in_refused",
  "signed_out",
  "password_changed",
  "password_refused",
  "refreshed",
  "refresh_refused",
  /** A refresh token came back after its leeway: somebody has a copy. */
  "refresh_reused",
  /** By its owner: one of several sessions, or all others; or the oldest, by a login that was one too many. */
  "session_ended",
  /** By an operator. */
  "session_revoked",
  "identity_linked",
  "identity_unlinked",
  /** Linking an identity that was begun, and did not come to its end. */
  "link_refused",
  /** A request by cookies that came from another site's page. */
  "cross_site_refused",
  /** A wrong token at the operators' listener, or one without the scope. */
  "operator_refused",
  "keys_rotated",
] as const;

export type TrailKind = (typeof trailKinds)[number];

/** No token, password or key is ever in it; nor a name that was tried, for people type passwords there. */
export interface TrailEvent {
  readonly kind: TrailKind;
  readonly userId?: number | undefined;
  readonly sessionId?: string | undefined;
  /** Who did it, where it was an operator. */
  readonly operator?: string | undefined;
  /** The code of the refusal, a provider's id, both, or a word on what was done. */
  readonly detail?: string | undefined;
  readonly client: Client;
}

/**
 * Where events go. `record` never fails and never waits: a trail that is full or a database that is away must not
 * keep anybody from signing in.
 */
export interface Trail {
  record(event: TrailEvent): void;
}

export interface TrailEntry {
  /** Grows with time; the cursor of a page. */
  readonly id: number;
  readonly atMs: number;
  readonly kind: string;
  readonly userId: number | null;
  readonly sessionId: string | null;
  readonly operator: string | null;
  readonly detail: string | null;
  readonly address: string;
  readonly country: string;
  readonly device: string;
  readonly requestId: string;
}

export interface TrailFilter {
  readonly userId?: number | undefined;
  readonly sessionId?: string | undefined;
  readonly kind?: TrailKind | undefined;
  readonly address?: string | undefined;
  readonly sinceMs?: number | undefined;
}

/** Entries as they are read, the latest first, and how they are forgotten. */
export interface TrailRecords {
  page(filter: TrailFilter, beforeId: number, limit: number): Promise<readonly TrailEntry[]>;
  /** Removes at most `max` entries from before that; returns how many. */
  forget(beforeMs: number, max: number): Promise<number>;
}

export const trailLimits = {
  /** Events that wait to be written; what comes on top is counted and lost. */
  waitingMax: 10_000,
  batchMax: 500,
  flushMs: 200,
  pageMax: 500,
  forgetIntervalMs: 60_000,
  forgetBatchMax: 1_000,
} as const;
