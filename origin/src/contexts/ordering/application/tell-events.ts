import { Refusal } from "../../../kernel/errors.ts";
import type { OrderStatus } from "../domain/order-state.ts";
import { orderingErrors } from "../errors.ts";
import { eventLimits } from "./limits.ts";

/** A step of one of a buyer's orders. */
export interface OrderEvent {
  /** Of this buyer's steps: from 1 on, in the order of their commits, without gaps. */
  readonly number: number;
  readonly orderId: string;
  readonly from: OrderStatus | undefined;
  readonly status: OrderStatus;
  readonly reason: string;
  readonly atMs: number;
}

export interface EventLog {
  /** Of those behind `after`, the first `max`. */
  read(userId: number, after: number, max: number): Promise<OrderEvent[]>;
  /** The last number of each of the users who has one. */
  lastNumbers(userIds: readonly number[]): Promise<ReadonlyMap<number, number>>;
}

export interface Listener {
  /** The number behind which the next events are. */
  readonly after: number;
  /**
   * The next events, at least one, or none after `patienceMs` without any. `undefined` when there will be no more:
   * the listener was closed, or all were.
   */
  next(patienceMs: number): Promise<OrderEvent[] | undefined>;
  close(): void;
}

export interface TellEvents {
  /** Listens from behind that number on, or from now. Refused when there are too many listeners. */
  listen(userId: number, after: number | undefined): Promise<Listener>;
  /** Something may have happened to orders of these users; saying so too often does no harm. */
  hint(userIds: readonly number[]): void;
  /** Looks for everybody who listens whether they have missed a hint. */
  catchUp(): Promise<void>;
  /** Ends all listeners. */
  close(): void;
}

/**
 * Tells buyers what happens to their orders, each step once and none left out. That rests on the numbers of
 * history.ts alone: whoever has heard up to a number asks for what is behind it. Hints only say when to ask; one that
 * is lost costs the time until the next `catchUp`.
 */
export function createTellEvents(log: EventLog): TellEvents {
  const listening = new Map<number, Set<Ears>>();
  let count = 0;
  let closed = false;

  const admit = (userId: number): Ears => {
    const own = listening.get(userId) ?? new Set();
    if (own.size >= eventLimits.listenersPerUserMax) throw new Refusal(orderingErrors.listeningTooOften);
    if (closed || count >= eventLimits.listenersMax) {
      throw new Refusal(orderingErrors.listenersTooMany, { headers: { "retry-after": "5" } });
    }
    const ears = createEars();
    listening.set(userId, own.add(ears));
    count += 1;
    return ears;
  };

  const dismiss = (userId: number, ears: Ears) => {
    const own = listening.get(userId);
    if (own?.delete(ears) !== true) return;
    count -= 1;
    if (own.size === 0) listening.delete(userId);
  };

  return {
    listen: async (userId, wanted) => {
      const ears = admit(userId);
      try {
        const last = (await log.lastNumbers([userId])).get(userId) ?? 0;
        if (wanted !== undefined && wanted > last) throw new Refusal(orderingErrors.eventUnknown);
        return listenerOf(log, userId, wanted ?? last, ears, () => dismiss(userId, ears));
      } catch (error) {
        dismiss(userId, ears);
        throw error;
      }
    },
    hint: (userIds) => {
      for (const userId of userIds) for (const ears of listening.get(userId) ?? []) ears.prick();
    },
    catchUp: async () => {
      const userIds = [...listening.keys()];
      for (let start = 0; start < userIds.length; start += eventLimits.catchUpBatchMax) {
        const some = userIds.slice(start, start + eventLimits.catchUpBatchMax);
        for (const [userId, last] of await log.lastNumbers(some)) {
          for (const ears of listening.get(userId) ?? []) if (ears.after < last) ears.prick();
        }
      }
    },
    close: () => {
      closed = true;
      for (const own of listening.values()) for (const ears of own) ears.shut();
    },
  };
}

function listenerOf(log: EventLog, userId: number, from: number, ears: Ears, dismiss: () => void): Listener {
  ears.after = from;
  return {
    get after() {
      return ears.after;
    },
    next: async (patienceMs) => {
      const deadline = performance.now() + patienceMs;
      while (!ears.isShut()) {
        if (!(await ears.pricked(deadline - performance.now()))) return ears.isShut() ? undefined : [];
        const events = await log.read(userId, ears.after, eventLimits.readMax);
        const last = events.at(-1);
        if (last === undefined) continue;
        ears.after = last.number;
        // There may be more; and whatever came since the read has pricked them itself.
        if (events.length === eventLimits.readMax) ears.prick();
        // An order is never seen before it is PENDING_PAYMENT.
        const told = events.filter(({ status }) => status !== "CREATED");
        if (told.length > 0) return told;
      }
      return undefined;
    },
    close: () => {
      ears.shut();
      dismiss();
    },
  };
}

interface Ears {
  after: number;
  /** There may be something to hear. */
  prick(): void;
  /** True at once when there may be something that was not asked for yet; false when the time is over. */
  pricked(waitMs: number): Promise<boolean>;
  shut(): void;
  isShut(): boolean;
}

function createEars(): Ears {
  // At first there may be something: what came between the last connection and this one.
  let isPricked = true;
  let shut = false;
  let wake = () => {};
  return {
    after: 0,
    prick: () => {
      isPricked = true;
      wake();
    },
    pricked: async (waitMs) => {
      if (!isPricked && !shut && waitMs > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, waitMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      if (shut || !isPricked) return false;
      isPricked = false;
      return true;
    },
    shut: () => {
      shut = true;
      wake();
    },
    isShut: () => shut,
  };
}
