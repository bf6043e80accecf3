/** Every bound of this context, in one place. */
export const saleLimits = {
  totalMax: 1_000_000,
  perUserMax: 100,
  perSecondMax: 1_000_000,
  countriesMax: 250,
  reasonLengthMax: 200,
  /** Sales with pieces set aside, each of which has a consumer and a connection to Redis in the worker. */
  underWayMax: 20,
  pageLimitMax: 100,
  changesPageMax: 100,
} as const;

/** Of the keeper, which looks after what Redis holds of each sale. */
export const keeperLimits = {
  /** Between two looks. Redis that was lost is ready for a sale after it, and an end is that late. */
  intervalMs: 100,
  /** Of a sale that has ended: for so long those in the queue may still be served. */
  drainMs: 10_000,
  /** Buyers that one round trip writes to a Redis that was lost. */
  buyersPageMax: 2_000,
  /** Tickets that are given back to a Redis that was lost: those of the last minute, at most. */
  ticketsMax: 20_000,
  ticketsYoungerMs: 60_000,
} as const;

/** Of the core, which sells. */
export const coreLimits = {
  /** Tickets that one transaction decides. */
  batchMax: 500,
  /** How long it waits for the first of them. */
  blockMs: 500,
  /** What another consumer holds for so long is taken over: it has died, or will meet the same rows. */
  takeOverAfterMs: 5_000,
  takeOverEveryMs: 1_000,
  /** After a batch that failed because a service is away. */
  retryMs: 250,
  /** A consumer that has nothing and was silent for so long is removed from the group. */
  forgetConsumerMs: 600_000,
} as const;

export const ticketLimits = {
  /** A ticket that nobody knows of any more is given up so long after its challenge was handed out. */
  lostAfterMs: 30_000,
  /** Between two looks of somebody who listens for an outcome. */
  listenEveryMs: 250,
  listenersMax: 1_000,
  listenMaxMs: 60_000,
  /** Tickets, buyers and changes of ended sales are kept for so long. */
  keptMs: 90 * 24 * 3_600_000,
  pruneMax: 10_000,
  pruneIntervalMs: 600_000,
} as const;
