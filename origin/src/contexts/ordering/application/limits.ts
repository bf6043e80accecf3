/** Every bound of this context, in one place. */
export const orderLimits = {
  linesMax: 50,
  /** Pieces of one product in one order, after duplicate lines were summed. */
  quantityMax: 100,
  pageLimitDefault: 20,
  pageLimitMax: 100,
  cursorLengthMax: 100,
  idempotencyKeyLengthMax: 255,
  idempotencyTtlMs: 24 * 3_600_000,
  /** Orders that one transaction places. */
  placedTogetherMax: 64,
  /** Such transactions at once in one process. More would make each smaller, and meet at a hot product's row. */
  placingMax: 2,
  /** For so long, and so often, one of them waits for a row; then orders that don't need it go on without those that do. */
  placingLockWaitSeconds: 1,
  placingWaitsMax: 3,
  /** For so long, and of so many rows, it is remembered that somebody holds them. */
  heldRowsMs: 2_000,
  heldRowsMax: 1_000,
  /** Orders that are placed apart at once, because of such a row: each may wait with a connection in its hand. */
  apartMax: 4,
  /** Orders that wait for so long don't wait for the transaction before them. */
  placingPatienceMs: 100,
  /** Orders that wait for one of them, and for how long; whoever has no place or no time hears 503 `order.crowded`. */
  placingQueueMax: 2_000,
  placingWaitMs: 2_000,
  /**
   * After that whoever wants an order hears 503 `order.outcome_unknown`: sooner than the edge gives up on us, which
   * could not say what to do.
   */
  placingAnswerMs: 8_000,
  /** Payments, cancellations and refunds of one buyer at once in one process, each with a connection to the database. */
  stepsAtOnceMax: 4,
  /** Those that wait for their turn, and for how long; others hear 429 `order.steps_crowded`. */
  stepsWaitingMax: 200,
  stepsWaitMs: 3_000,
  /** Keys past their time that one sweep removes. */
  idempotencyPruneMax: 1_000,
  idempotencyPruneIntervalMs: 60_000,
} as const;

export const stockLimits = {
  totalMax: 1_000_000_000,
  reasonLengthMax: 200,
  /** Movements of one page of the ledger. */
  ledgerPageMax: 1_000,
} as const;

/** Of telling buyers what happens to their orders. */
export const eventLimits = {
  /** Streams of one user, and of all users in one process. */
  listenersPerUserMax: 5,
  listenersMax: 5_000,
  /** Events of one read, which is what waits in memory for one client. */
  readMax: 100,
  /** Users whose numbers are looked up by one statement. */
  catchUpBatchMax: 500,
  /** Between two looks for hints that were missed. */
  catchUpIntervalMs: 2_000,
  /** A sign of life, and a look at token and session. Shorter than the time for which the edge waits. */
  beatMs: 15_000,
  /** For a client to take what was sent. */
  slowReaderMs: 10_000,
  /** After which a client connects again. */
  retryMs: 1_000,
} as const;

export const expiryLimits = {
  /** Orders that one transaction expires: few enough that a hot product's row is not held for long. */
  batchMax: 250,
  /** Due orders that the sweeper looks up by one statement. */
  lookMax: 1_000,
  /** Idle time between two looks of the sweeper. Half of the second that an order may be late. */
  sweepIntervalMs: 500,
  /** Transactions of one sweep that find out which orders of a batch cannot be expired; the next one goes on. */
  separationsMax: 500,
  /** Orders that cannot be expired, as the sweeper remembers them, and tries them again: after a time that doubles. */
  stuckMax: 10_000,
  stuckRetryMs: 1_000,
  stuckRetryMaxMs: 60_000,
  /** Those of them that one line of the log names. */
  stuckNamedMax: 20,
  /** Messages that a consumer holds unacknowledged. */
  prefetch: 1_000,
  /** Transactions at once that expire what messages name, and how long a message waits for the one before it. */
  expiringMax: 2,
  expiringPatienceMs: 100,
  consumerRestartMs: 1_000,
  /** For each of the two goodbyes to the broker. */
  closeTimeoutMs: 2_000,
  /** An order that may be unpaid for longer gets no message: the sweeper alone has it. RabbitMQ takes 49 days. */
  laneTtlSecondsMax: 7 * 24 * 3_600,
  /** A retired lane is deleted so long after its last message has fallen due: the broker retries every 3 minutes. */
  laneDrainedAfterMs: 600_000,
  laneCheckIntervalMs: 60_000,
  /** What nobody could handle is taken from the broker into the database so often, so many at a time. */
  parkIntervalMs: 5_000,
  parkBatchMax: 500,
  /** Receipts are kept as long as the outbox keeps messages. */
  receiptsKeptMs: 7 * 24 * 3_600_000,
  receiptsPruneMax: 1_000,
  /** Messages that wait in one lane; the broker refuses more, and the sweeper has them anyway. */
  laneLengthMax: 2_000_000,
  /** Messages in the queue of those that fall due, and in the one of those that nobody could read. */
  dueLengthMax: 2_000_000,
  parkedLengthMax: 100_000,
  deliveriesMax: 20,
} as const;

export const paymentLimits = {
  methodLengthMax: 64,
  providerTimeoutMs: 2_000,
  providerAnswerBytesMax: 256 * 1024,
  /** Tries of one call whose connection failed, or whose answer says that it may be tried again. */
  providerAttemptsMax: 3,
  /** Before the second try; doubles. */
  providerRetryMs: 100,
  /** Attempts to pay before this one that are cancelled for it, one after the other. */
  replacedMax: 2,
  /** Attempts to pay back before somebody has to look at it. */
  refundAttemptsMax: 3,
  /** Before the second one; doubles. */
  refundRetryMs: 2_000,
  /** Pages of a hundred refunds of one payment that are looked through for one that may have been made. */
  refundPagesMax: 10,
  failureLengthMax: 200,
  refundsPageMax: 100,
  /** Alerts that wait for somebody to fetch them. */
  alertsMax: 10_000,
  alertsKeptMs: 7 * 24 * 3_600_000,
  /** A callback signed longer ago, or as far ahead, is a replay. */
  signatureToleranceMs: 300_000,
  /** An attempt without an outcome for so long is asked about. */
  reconcileAfterMs: 5_000,
  reconcileIntervalMs: 1_000,
  reconcileBatchMax: 50,
  /** Between two questions about the same payment: doubles up to the maximum. */
  reconcileBackoffMs: 1_000,
  reconcileBackoffMaxMs: 300_000,
} as const;
