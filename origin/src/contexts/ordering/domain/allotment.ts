/**
 * Pieces of one product that are set aside. They stay reserved in the stock while nobody has ordered them, so an order
 * from the allotment moves nothing there: it takes over what is reserved already.
 *
 *     available ──an order──▶ held by the order ──expired, cancelled──▶ available, or returned once it is closed
 *         └────── closed ───▶ returned
 *
 * So `available + returned` and what its orders hold or have bought are `total`, always.
 */
export interface Allotment {
  readonly id: number;
  readonly productId: number;
  readonly total: number;
  readonly available: number;
  /** Pieces that orders gave back while it was open. Only grows. */
  readonly putBack: number;
  /** Pieces that went back to the product. */
  readonly returned: number;
  readonly closedAtMs: number | undefined;
  /** Raised by every change. */
  readonly version: number;
}

/** After orders gave so many pieces back: there again, or, once it is closed, gone on to the product. */
export function afterPutBack(allotment: Allotment, quantity: number): Allotment {
  if (allotment.closedAtMs !== undefined) return { ...allotment, returned: allotment.returned + quantity };
  const { available, putBack } = allotment;
  return { ...allotment, available: available + quantity, putBack: putBack + quantity };
}
