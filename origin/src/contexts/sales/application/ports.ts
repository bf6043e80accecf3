import type { SaleStatus } from "@sluice/contract/sale.ts";
import type { Allotments, SharedTransaction } from "../../ordering/public.ts";
import type { Sale, SaleTerms } from "../domain/sale.ts";
import type { Admitted, Decided } from "../domain/ticket.ts";

/** Who changes a sale, why, and when. */
export interface SaleChange {
  readonly actor: string;
  readonly reason: string;
  readonly nowMs: number;
}

/** Pieces of a sale, as its allotment in ordering has them. */
export interface Pieces {
  readonly total: number;
  readonly available: number;
  readonly putBack: number;
  readonly closed: boolean;
  readonly version: number;
}

export interface SaleKeys {
  /** HMAC key of challenges, base64url. */
  readonly challengeKey: string;
  /** Ed25519: PKCS #8 DER of the private key, and `x` of the public one; base64url. */
  readonly tokenKey: string;
  readonly tokenPublic: string;
}

export interface ChangeEntry extends SaleChange {
  readonly version: number;
  /** The sale as it was from then on. */
  readonly document: unknown;
}

export interface SaleBook {
  transaction<T>(work: (tx: SaleTransaction) => Promise<T>): Promise<T>;
  find(id: number): Promise<Sale | undefined>;
  /** In the order of ids, from behind `afterId` on. */
  page(afterId: number, limit: number, drafts: boolean): Promise<Sale[]>;
  /** Sales that hold pieces, and those that ended with their allotment open. */
  underWay(): Promise<Sale[]>;
  /** They never change. */
  keysOf(id: number): Promise<SaleKeys | undefined>;
  piecesOf(id: number): Promise<Pieces | undefined>;
  /** Newest first. */
  changes(id: number, before: number, limit: number): Promise<ChangeEntry[]>;
  /** Pieces that buyers have got, in the order of users. */
  buyers(id: number, afterUser: number, limit: number): Promise<{ userId: number; quantity: number }[]>;
  decidedSince(id: number, sinceMs: number, max: number): Promise<Decided[]>;
  ticket(id: number, ticket: string): Promise<Decided | undefined>;
  counts(id: number): Promise<Record<string, number>>;
  /** Arrival and place of those who were served, in the order of the queue. */
  served(id: number, max: number): Promise<{ userId: number; arrivedAtMs: number }[]>;
  forgetEnded(beforeMs: number, max: number): Promise<number>;
}

export interface SaleTransaction {
  /** For ordering, which takes part. */
  readonly shared: SharedTransaction;
  insert(terms: SaleTerms & { currency: string }, keys: SaleKeys, nowMs: number): Promise<number>;
  lock(id: number): Promise<Sale | undefined>;
  /** Writes the terms and the status, raises the version, and keeps what changed. */
  save(sale: Sale, change: SaleChange): Promise<Sale>;
  setStatus(id: number, status: SaleStatus): Promise<void>;
  countUnderWay(): Promise<number>;
  decided(saleId: number, tickets: readonly string[]): Promise<Decided[]>;
  /** Pieces that they have got. Locks those that are there. */
  lockBuyers(saleId: number, userIds: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /** Returns what they have then. */
  addToBuyers(saleId: number, added: ReadonlyMap<number, number>): Promise<ReadonlyMap<number, number>>;
  /** False when one of them was decided meanwhile, by somebody else. */
  keepDecided(saleId: number, decided: readonly Decided[]): Promise<boolean>;
}

export type { Allotments };

/** Products, as the catalog answers. */
export interface ProductDirectory {
  findPrices(ids: readonly number[]): Promise<ReadonlyMap<number, { currency: string }>>;
}

/** What Redis holds of sales while they last. */
export interface Admissions {
  isUp(): boolean;
  /** Admissions so far; undefined when there is no state. */
  admits(saleId: number): Promise<string | undefined>;
  putBuyers(sale: Sale, buyers: readonly { userId: number; quantity: number }[]): Promise<void>;
  prepare(sale: Sale, pieces: Pieces, admits: string | undefined): Promise<"prepared" | "corrected" | "kept">;
  /** Tells tickets their outcome and takes them off the queue. */
  settle(sale: Sale, keys: SaleKeys, settled: readonly { entry: string; decided: Decided }[]): Promise<void>;
  /** What Redis says of a ticket: it waits, its outcome as JSON, or nothing; `away` when it does not answer. */
  ticket(
    saleId: number,
    userId: number,
    ticket: string,
  ): Promise<{ readonly held: string | undefined } | "away">;
  waiting(saleId: number): Promise<number>;
}

export type { Admitted, Decided };
