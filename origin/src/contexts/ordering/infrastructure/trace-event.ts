/** One line of what is told about an order. */
export interface TraceEvent {
  /** UTC, microseconds. */
  readonly at: string;
  readonly kind: "order" | "stock" | "payment" | "refund" | "message";
  readonly text: string;
}
