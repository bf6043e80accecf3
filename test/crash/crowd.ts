import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type Answer, Client } from "../src/client.ts";

/** What somebody has been promised. */
export interface Acknowledged {
  readonly orderId: string;
  readonly userId: number;
  readonly key: string;
  /** An answer 200 to a payment or a cancellation is a promise too. */
  promised?: "PAID" | "CANCELLED";
}

export interface Crowd {
  readonly acknowledged: readonly Acknowledged[];
  /** Answers that were no success, by status and code, while nobody knew what had become of the request. */
  readonly troubles: ReadonlyMap<string, number>;
  /** Nobody begins anything new; resolves when everybody has heard what became of their last order. */
  close(): Promise<void>;
}

const people = 8;
/** Between two things that one person does. */
const pauseMs = 150;
const retryMs = 100;
/** Somebody who does not hear for so long what became of an order is a failure of the campaign. */
const answeredWithinMs = 120_000;

/**
 * Buyers at the edge, each doing one thing after the other: orders, some of which are paid and some cancelled,
 * most neither. Whoever gets no clear answer asks again with the same `Idempotency-Key` until there is one.
 */
export async function gatherCrowd(edgeUrl: string, productIds: readonly number[]): Promise<Crowd> {
  const edge = new Client(edgeUrl);
  const acknowledged: Acknowledged[] = [];
  const troubles = new Map<string, number>();
  let closing = false;

  const live = async (buyer: Buyer): Promise<void> => {
    for (let n = buyer.index; !closing; n += 1) {
      const productId = productIds[n % productIds.length] as number;
      const order = await orderUntilAnswered(buyer, productId);
      if (n % 4 === 0) await promise(order, "PAID", () => buyer.post(`/orders/${order.orderId}/pay`));
      else if (n % 4 === 1) {
        await promise(order, "CANCELLED", () => buyer.post(`/orders/${order.orderId}/cancel`));
      }
      await delay(pauseMs);
    }
  };

  const orderUntilAnswered = async (buyer: Buyer, productId: number): Promise<Acknowledged> => {
    const key = randomUUID();
    const body = { lines: [{ productId, quantity: 1 }] };
    const giveUpAt = performance.now() + answeredWithinMs;
    let last = "";
    while (performance.now() < giveUpAt) {
      const answer = await tried(() => buyer.post("/orders", body, { "idempotency-key": key }));
      if (answer?.status === 201) {
        const order = { orderId: String(answer.body.id), userId: buyer.userId, key };
        acknowledged.push(order);
        return order;
      }
      last = answer === undefined ? "no answer" : `${answer.status} ${JSON.stringify(answer.body)}`;
      await delay(retryMs);
    }
    throw new Error(`an order got no clear answer within ${answeredWithinMs} ms; the last was ${last}`);
  };

  const promise = async (order: Acknowledged, what: "PAID" | "CANCELLED", ask: () => Promise<Answer>) => {
    const answer = await tried(ask);
    if (answer?.status === 200 && answer.body.status === what) order.promised = what;
  };

  const tried = async (ask: () => Promise<Answer>): Promise<Answer | undefined> => {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined && answer.status < 300) return answer;
    const what = answer === undefined ? "no answer" : `${answer.status} ${answer.body?.code ?? ""}`;
    troubles.set(what, (troubles.get(what) ?? 0) + 1);
    return answer;
  };

  // One after the other: passwords are slow to hash, and this is not what is tried here.
  const buyers: Buyer[] = [];
  for (let index = 0; index < people; index++) buyers.push(await register(edge, index));
  const living = Promise.all(buyers.map(live));
  // A failure is reported by close(); until then it must not end the program.
  living.catch(() => undefined);
  return {
    acknowledged,
    troubles,
    close: async () => {
      closing = true;
      await living;
    },
  };
}

interface Buyer {
  readonly index: number;
  readonly userId: number;
  post(path: string, json?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

async function register(edge: Client, index: number): Promise<Buyer> {
  const from = `198.18.7.${index + 1}`;
  const credentials = { username: `crowd-${index}-${randomUUID().slice(0, 8)}`, password: randomUUID() };
  const { status, body } = await edge.post("/auth/register", credentials, { from });
  if (status !== 201) throw new Error(`nobody can register: ${status} ${JSON.stringify(body)}`);
  return {
    index,
    userId: body.user.id,
    post: (path, json = {}, headers = {}) =>
      edge.post(path, json, { token: body.accessToken, from, headers }),
  };
}
