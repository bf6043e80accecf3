import type { StockMovementKind } from "./stock.ts";

/**
 * The life of an order, as data:
 *
 *     CREATED ─▶ PENDING_PAYMENT ─▶ PAID ─▶ REFUNDING ─▶ REFUNDED
 *                  │  ▲     │
 *                  │  │     └─▶ CANCELLED | EXPIRED
 *                  ▼  │                ▲
 *               FAILED_PAYMENT ────────┘
 *
 * Each step is taken by a compare-and-set on the state, in one transaction with its history row and with
 * the stock movement that the table names. So stock moves exactly as often as states do.
 */
export const orderTransitions = {
  CREATED: { PENDING_PAYMENT: { stock: "RESERVE" } },
  PENDING_PAYMENT: {
    PAID: { stock: "SELL" },
    FAILED_PAYMENT: { stock: undefined },
    CANCELLED: { stock: "RELEASE" },
    EXPIRED: { stock: "RELEASE" },
  },
  FAILED_PAYMENT: {
    PENDING_PAYMENT: { stock: undefined },
    CANCELLED: { stock: "RELEASE" },
    EXPIRED: { stock: "RELEASE" },
  },
  PAID: { REFUNDING: { stock: undefined } },
  REFUNDING: { REFUNDED: { stock: "RETURN" } },
  REFUNDED: {},
  CANCELLED: {},
  EXPIRED: {},
} as const satisfies Record<string, Record<string, Transition>>;

export type OrderStatus = keyof typeof orderTransitions;

interface Transition {
  /** How each line's pieces move; undefined when they stay where they are. */
  readonly stock: StockMovementKind | undefined;
}

/** Orders in these states hold reserved stock, and expire when their time has come. */
export const unpaidStatuses = ["PENDING_PAYMENT", "FAILED_PAYMENT"] as const satisfies OrderStatus[];

/** Orders in these states hold sold stock. */
export const soldStatuses = ["PAID", "REFUNDING"] as const satisfies OrderStatus[];

/** The step from one state to another; undefined when there is none. */
export function transitionOf(from: OrderStatus, to: OrderStatus): Transition | undefined {
  return (orderTransitions[from] as Partial<Record<OrderStatus, Transition>>)[to];
}

export function isUnpaid(status: OrderStatus): boolean {
  return (unpaidStatuses as readonly OrderStatus[]).includes(status);
}

/** What a step adds to the number of unpaid orders of its user. */
export function unpaidChange(from: OrderStatus | undefined, to: OrderStatus): -1 | 0 | 1 {
  const was = from !== undefined && isUnpaid(from);
  if (was === isUnpaid(to)) return 0;
  return was ? -1 : 1;
}

/** An unpaid order is due from this very millisecond on, never before. */
export function isDue(order: { status: OrderStatus; expiresAtMs: number }, nowMs: number): boolean {
  return isUnpaid(order.status) && order.expiresAtMs <= nowMs;
}
