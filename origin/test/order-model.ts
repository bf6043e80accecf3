import assert from "node:assert/strict";

/** A step that somebody asked for, and what they were told: an outcome, or the code of a refusal. */
export interface Taken {
  readonly kind: string;
  readonly said: string;
  readonly orderId?: string | undefined;
  /** Of one that was to be placed. */
  readonly quantity?: number | undefined;
  readonly key?: string | undefined;
  readonly body?: string | undefined;
}

/** A change of an order's state, as the history tells it. */
export interface Event {
  readonly orderId: string;
  readonly from: string | undefined;
  readonly to: string;
  readonly atMs: number;
}

export interface Books {
  readonly orders: readonly {
    id: string;
    status: string;
    quantity: number;
    totalCents: number;
    expiresAtMs: number;
  }[];
  readonly stock: Record<"total" | "available" | "reserved" | "sold", number> | undefined;
  readonly unpaid: number;
}

interface ModelOrder {
  status: string;
  readonly quantity: number;
  readonly expiresAtMs: number;
}

/** What is true between two changes. */
interface Moment {
  readonly available: number;
  readonly unpaid: number;
  readonly statuses: ReadonlyMap<string, string>;
}

/** Each way from one state to another, and where the pieces go: from, to. */
const ways: Readonly<Record<string, readonly [Place, Place] | undefined>> = {
  "undefined CREATED": ["available", "available"],
  "CREATED PENDING_PAYMENT": ["available", "reserved"],
  "PENDING_PAYMENT FAILED_PAYMENT": ["reserved", "reserved"],
  "FAILED_PAYMENT PENDING_PAYMENT": ["reserved", "reserved"],
  "PENDING_PAYMENT PAID": ["reserved", "sold"],
  "PENDING_PAYMENT CANCELLED": ["reserved", "available"],
  "FAILED_PAYMENT CANCELLED": ["reserved", "available"],
  "PENDING_PAYMENT EXPIRED": ["reserved", "available"],
  "FAILED_PAYMENT EXPIRED": ["reserved", "available"],
  "PAID REFUNDING": ["sold", "sold"],
  "REFUNDING REFUNDED": ["sold", "available"],
};

type Place = "available" | "reserved" | "sold";

const unpaidStates = ["PENDING_PAYMENT", "FAILED_PAYMENT"];

/**
 * Orders of one buyer for one product, in memory: what we hold to be right, written down a second time and simply. Nothing
 * here is taken from the code that it is compared with.
 *
 * Steps run at the same time, so nobody can say beforehand in which order they take effect. The buyer's history does: it
 * is followed event by event, and each has to be possible in the state that the model is in. What somebody was told has
 * to be true in one of the moments between.
 */
export class OrderModel {
  readonly #given: { readonly pieces: number; unpaidMax: number; ttlMs: number; priceCents: number };
  readonly #orders = new Map<string, ModelOrder>();
  readonly #keys = new Map<string, { quantity: number; body: string }>();
  readonly #pieces: Record<Place, number>;

  constructor(given: { pieces: number; unpaidMax: number; ttlMs: number; priceCents: number }) {
    this.#given = given;
    this.#pieces = { available: given.pieces, reserved: 0, sold: 0 };
  }

  /** One group of steps: what happened, and what was said of it. */
  follow(events: readonly Event[], taken: readonly Taken[], nowMs: number): void {
    const placed = new Map(taken.filter(({ said }) => said === "placed").map((one) => [one.orderId, one]));
    const moments = [this.#moment()];
    for (const event of events) {
      this.#apply(event, placed.get(event.orderId));
      // An order is never seen as CREATED: it is placed in the same transaction.
      if (event.to !== "CREATED") moments.push(this.#moment());
    }
    const created = events.filter(({ to }) => to === "CREATED").map(({ orderId }) => orderId);
    assert.deepEqual(created.sort(), [...placed.keys()].sort(), "placed is who was told so, and nobody else");
    for (const one of taken) this.#isTrue(one, moments, taken, nowMs);
    for (const { key, quantity = 0, body = "" } of placed.values()) {
      if (key === undefined) continue;
      assert.ok(!this.#keys.has(key), `key ${key} has made two orders`);
      this.#keys.set(key, { quantity, body });
    }
    const alone = taken.length === 1 && taken[0]?.kind === "sweep";
    if (alone)
      for (const order of this.#orders.values())
        assert.ok(!isDue(order, nowMs), "the sweeper overlooked one");
  }

  /** The database holds what the model holds. */
  agrees({ orders, stock, unpaid }: Books): void {
    const { pieces: total, priceCents } = this.#given;
    assert.deepEqual(stock, { total, ...this.#pieces });
    assert.equal(unpaid, this.#moment().unpaid);
    const expected = [...this.#orders].map(([id, order]) => ({
      id,
      ...order,
      totalCents: order.quantity * priceCents,
    }));
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
    assert.deepEqual([...orders].sort(byId), expected.sort(byId));
  }

  #apply({ orderId, from, to, atMs }: Event, placed: Taken | undefined): void {
    if (from === undefined) {
      assert.ok(placed?.quantity !== undefined, `nobody asked for order ${orderId}`);
      const { quantity } = placed;
      this.#orders.set(orderId, { status: "CREATED", quantity, expiresAtMs: atMs + this.#given.ttlMs });
    }
    const order = this.#orders.get(orderId);
    assert.ok(order !== undefined, `there is no order ${orderId}`);
    if (from !== undefined) assert.equal(order.status, from, `order ${orderId} goes on from where it is`);
    const way = ways[`${from} ${to}`];
    assert.ok(way !== undefined, `no order goes from ${from} to ${to}`);
    if (to === "EXPIRED")
      assert.ok(atMs >= order.expiresAtMs, `expired ${order.expiresAtMs - atMs} ms too early`);
    order.status = to;
    this.#pieces[way[0]] -= order.quantity;
    this.#pieces[way[1]] += order.quantity;
    for (const [place, count] of Object.entries(this.#pieces))
      assert.ok(count >= 0, `${count} pieces ${place}`);
    assert.ok(this.#moment().unpaid <= this.#given.unpaidMax, "more unpaid orders than one may have");
  }

  #isTrue(one: Taken, moments: readonly Moment[], group: readonly Taken[], nowMs: number): void {
    const { kind, said, orderId = "" } = one;
    const sometimes = (holds: (moment: Moment) => boolean) =>
      assert.ok(moments.some(holds), `"${said}" to ${kind} was never true: ${JSON.stringify(one)}`);
    const was = (...states: string[]) =>
      sometimes(({ statuses }) => states.includes(statuses.get(orderId) ?? ""));
    const wasNot = (...states: string[]) =>
      sometimes(({ statuses }) => !states.includes(statuses.get(orderId) ?? ""));
    if (kind === "place") {
      this.#isTrueOfPlacing(one, group, sometimes);
      return;
    }
    switch (`${kind}: ${said}`) {
      case "pay: paid":
      case "pay otherwise: paid":
        was("PAID");
        return;
      case "cancel: done":
        was("CANCELLED");
        return;
      case "refund: done":
        was("REFUNDING", "REFUNDED");
        return;
      case "refund a part: done":
        was("PAID", "REFUNDING", "REFUNDED");
        return;
      case "cancel: order.not_cancellable":
        wasNot(...unpaidStates);
        return;
      case "refund: order.not_refundable":
      case "refund a part: order.not_refundable":
        wasNot("PAID");
        return;
      case "refund a part: refund.too_large":
        was("PAID");
        return;
      case "pay: payment.declined":
      case "pay otherwise: payment.declined":
      case "pay: payment.in_flight":
      case "pay otherwise: payment.in_flight":
      case "pay: undecided":
      case "pay otherwise: undecided":
        was(...unpaidStates);
        return;
      case "pay: order.not_payable":
      case "pay otherwise: order.not_payable":
        if ((this.#orders.get(orderId)?.expiresAtMs ?? Infinity) > nowMs) wasNot(...unpaidStates);
        return;
      default:
        assert.ok(["done", "nothing"].includes(said), `nobody may hear "${said}" who wants to ${kind}`);
    }
  }

  #isTrueOfPlacing(
    { said, key = "", quantity = 0, body }: Taken,
    group: readonly Taken[],
    sometimes: (holds: (moment: Moment) => boolean) => void,
  ): void {
    const others = group.filter((other) => key !== "" && other.key === key);
    const first =
      this.#keys.get(key) ?? others.find((other) => other.said === "placed" && other.body !== undefined);
    switch (said) {
      case "placed":
        assert.equal(this.#keys.get(key), undefined, `key ${key} has made a second order`);
        return;
      case "replayed":
        assert.deepEqual([body, quantity], [first?.body, first?.quantity], "the same key, the same answer");
        return;
      case "idempotency.key_reused":
        assert.ok(first !== undefined && first.quantity !== quantity, `key ${key} came with the same wish`);
        return;
      case "idempotency.in_flight":
        assert.ok(others.length > 1, `nobody else has key ${key} in hand`);
        return;
      case "order.sold_out":
        assert.equal(this.#keys.get(key), undefined, "who has an answer gets it, sold out or not");
        sometimes(({ available }) => available < quantity);
        return;
      case "order.too_many_unpaid":
        assert.equal(this.#keys.get(key), undefined, "who has an answer gets it, however many are unpaid");
        sometimes(({ unpaid }) => unpaid >= this.#given.unpaidMax);
        return;
      default:
        assert.fail(`nobody may hear "${said}" who places an order`);
    }
  }

  #moment(): Moment {
    const statuses = new Map([...this.#orders].map(([id, { status }]) => [id, status]));
    const unpaid = [...statuses.values()].filter((status) => unpaidStates.includes(status)).length;
    return { available: this.#pieces.available, unpaid, statuses };
  }
}

function isDue({ status, expiresAtMs }: ModelOrder, nowMs: number): boolean {
  return unpaidStates.includes(status) && expiresAtMs <= nowMs;
}
