/**
 * Flash sales, as edge and origin both know them. The edge lets buyers in (gate), hands out challenges, and has Redis
 * admit whoever brings one back; the worker decides in MySQL. What they agree on stands here.
 */

export type SaleStatus = "DRAFT" | "SCHEDULED" | "OPEN" | "PAUSED" | "SOLD_OUT" | "ENDED";

/** A sale as it travels to the edges, and as Redis keeps it. */
export interface SaleDocument {
  id: number;
  version: number;
  productId: number;
  priceCents: number;
  currency: string;
  total: number;
  perUserMax: number;
  /** Admissions a second, evenly spread: see {@link ADMISSIONS_AHEAD_MS}. */
  perSecond: number;
  /** Of 10,000 buyers so many may try, drawn anew every {@link DRAW_MS}. */
  buyRate: number;
  /** ISO 3166-1 alpha-2; all when there is none. */
  countries: string[];
  startsAtMs: number;
  endsAtMs: number;
  status: SaleStatus;
  /** Of the HMAC by which challenges are signed. Edges and origin know it, nobody else. */
  challengeKey: string;
  /** What everybody is told of the sale, as JSON, but for its status: see {@link saleText}. */
  page: string;
}

/** What the status is by the clock, before anybody has written it down. */
export function statusAt(
  sale: Pick<SaleDocument, "status" | "startsAtMs" | "endsAtMs">,
  nowMs: number,
): SaleStatus {
  if (sale.status === "DRAFT" || sale.status === "ENDED") return sale.status;
  if (nowMs >= sale.endsAtMs) return "ENDED";
  return sale.status === "SCHEDULED" && nowMs >= sale.startsAtMs ? "OPEN" : sale.status;
}

/** The sale's page, the same to the byte from edge and origin. */
export function saleText(page: string, status: SaleStatus): string {
  return `{"status":"${status}",${page.substring(1)}`;
}

/** A challenge is good for so long; its ticket for ever. */
export const CHALLENGE_TTL_MS = 20_000;

/** A ticket that waits has its outcome so long after its challenge was handed out: nobody sells to it later. */
export const TICKET_WAITS_MAX_MS = 60_000;

/** So many wait in the queue of a sale; whoever comes then comes again. Some seconds for one worker. */
export const QUEUE_MAX = 20_000;
export const CHALLENGE_LENGTH_MAX = 100;
/** So many characters of its HMAC-SHA256, in base64url: 128 bits and a little. */
export const CHALLENGE_MAC_LENGTH = 22;

/**
 * Of two requests that reach an edge so far apart the earlier one is admitted first. Those that come closer together may
 * be at different workers, of which the machine keeps one waiting: that is some milliseconds on a calm machine, and a
 * tenth of a second on one with many times more to do than it can.
 */
export const ADMITTED_IN_ORDER_MS = 200;

/** So many ms' worth of admissions may come at once: buyers reach Redis in batches. At least one always may. */
export const ADMISSIONS_AHEAD_MS = 50;

/** A buyer who was not drawn may hope again after it. */
export const DRAW_MS = 10_000;

/** Pieces of one purchase. */
export const PURCHASE_QUANTITY_MAX = 100;

/** How long Redis keeps what it knows of a sale after its end. MySQL keeps it for longer. */
export const SALE_KEPT_MS = 86_400_000;

/**
 * Tickets and buyers of a sale share so many hashes: of a million tickets each has some 120 fields, so that Redis packs
 * those in which nothing is long.
 */
export const SALE_BUCKETS = 16_384;

/**
 * What is signed in a challenge. It says for whom and which sale it is, which the challenge itself does not:
 * `<issued>.<nonce>.<mac>`, where `<issued>.<nonce>` names the ticket that it becomes.
 */
export function challengeText(saleId: string, userId: string, ticketId: string): string {
  return `sluice-sale ${saleId} ${userId} ${ticketId}`;
}

/** Value of a ticket that waits for its outcome; else it is the outcome's JSON. */
export const TICKET_WAITS = "w";

/** Hash: every sale by its id, as {@link SaleDocument}. */
export function salesKey(prefix: string): string {
  return `${prefix}sales`;
}

/** Hash: how many pieces of a sale there are and how many were admitted (see `contract/src/sales/admit.lua`). */
export function saleStateKey(prefix: string, saleId: string): string {
  return `${prefix}{sale:${saleId}}:state`;
}

/** Stream: who was admitted and waits for an outcome. */
export function saleQueueKey(prefix: string, saleId: string): string {
  return `${prefix}{sale:${saleId}}:queue`;
}

/** Hash: tickets (`t<id>`) and buyers (`u<id>`) of those users. */
export function saleBucketKey(prefix: string, saleId: string, userId: number): string {
  return `${prefix}{sale:${saleId}}:b:${userId % SALE_BUCKETS}`;
}
