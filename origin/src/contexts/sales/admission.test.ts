/**
 * The scripts by which Redis admits to a sale, against a model, on a real Redis: whatever is asked, repeated after a
 * lost answer, settled twice or lost with Redis, in whatever order.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  ADMISSIONS_AHEAD_MS,
  saleBucketKey,
  saleQueueKey,
  saleStateKey,
  TICKET_WAITS,
} from "@sluice/contract/sale.ts";
import fc from "fast-check";
import { createTestRedisPrefix, startTestServices } from "../../../../cli/src/services/for-tests.ts";
import { until } from "../../../test/until.ts";
import { createLogger } from "../../platform/logger.ts";
import { connectRedis, untilReady } from "../../platform/redis/connect.ts";
import { redisScript } from "../../platform/redis/script.ts";
import type { Sale } from "./domain/sale.ts";
import type { Decided } from "./domain/ticket.ts";
import { admissionsIn } from "./infrastructure/admissions.ts";
import { newSaleKeys } from "./infrastructure/sale-keys.ts";

const services = await startTestServices();
const place = await createTestRedisPrefix(services);
const redis = connectRedis(place.url, place.prefix, createLogger("test", "warn", process.stderr));
await untilReady(redis, 5_000);
const admissions = admissionsIn(redis, "sluice");
const admitScript = redisScript(new URL("../../../../contract/src/sales/admit.lua", import.meta.url));
const keys = newSaleKeys();

after(async () => {
  await redis.close();
  await place.close();
  await services.close();
});

const total = 6;
const perUserMax = 2;
const queueMax = 4;
let lastSale = 0;

interface Asked {
  readonly user: number;
  readonly ticket: string;
  readonly quantity: number;
}

const users = fc.integer({ min: 1, max: 4 });
const asks = fc.record({
  op: fc.constant("ask" as const),
  user: users,
  quantity: fc.integer({ min: 1, max: 2 }),
});
const which = fc.nat(50);
const operations = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: asks },
    { weight: 3, arbitrary: fc.record({ op: fc.constant("repeat" as const), which }) },
    { weight: 3, arbitrary: fc.record({ op: fc.constant("look" as const), which }) },
    { weight: 5, arbitrary: fc.record({ op: fc.constant("settle" as const), which, sold: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant("settle-again" as const), which }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant("put-back" as const), which }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("lose" as const) }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant("keep" as const) }) },
  ),
  { minLength: 1, maxLength: 60 },
);

/** What must be so, in the plainest terms: MySQL's side and Redis's. */
class Model {
  /** MySQL: decided tickets, and pieces that orders gave back. */
  readonly decided = new Map<string, Decided>();
  putBack = 0;
  version = 1;
  /** Redis: undefined while there is no state. */
  taken: number | undefined = 0;
  granted = total;
  readonly waiting = new Map<string, Asked>();
  readonly known = new Set<string>();
  readonly pieces = new Map<number, number>();

  get available(): number {
    return total + this.putBack - this.soldPieces;
  }

  get soldPieces(): number {
    return sum([...this.decided.values()].filter(({ outcome }) => outcome === "CONFIRMED"));
  }

  got(user: number): number {
    return sum(
      [...this.decided.values()].filter((one) => one.outcome === "CONFIRMED" && one.userId === user),
    );
  }

  ask({ user, ticket, quantity }: Asked): string {
    if (this.known.has(ticket)) return "held";
    if (this.taken === undefined) return "absent";
    if ([...this.waiting.values()].some((one) => one.user === user)) return "waits";
    if ((this.pieces.get(user) ?? 0) + quantity > perUserMax) return "limit";
    if (this.granted - this.taken < quantity) return "sold-out";
    if (this.waiting.size >= queueMax) return "later";
    this.taken += quantity;
    this.pieces.set(user, (this.pieces.get(user) ?? 0) + quantity);
    this.waiting.set(ticket, { user, ticket, quantity });
    this.known.add(ticket);
    return "admitted";
  }
}

function sum(some: readonly { quantity: number }[]): number {
  return some.reduce((all, { quantity }) => all + quantity, 0);
}

test("admission keeps to its model, whatever is repeated, settled twice, put back or lost", async () => {
  await fc.assert(
    fc.asyncProperty(operations, async (steps) => {
      const run = newRun();
      await run.keep();
      for (const step of steps) await run.take(step);
      await run.check();
    }),
    { numRuns: 80 },
  );
});

test("of many who ask at once as many are admitted as there are pieces, in the order in which they came", async () => {
  const run = newRun();
  await run.keep();
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      run.ask({ user: index + 1, ticket: `at-once.${index}`, quantity: 1 }),
    ),
  );
  assert.deepEqual(
    answers.map(([word]) => word),
    [...Array(total).fill("admitted"), ...Array(50 - total).fill("sold-out")],
  );
});

test("admissions are spread over the second, and whoever is too many hears when to come again", async () => {
  const perSecond = 2;
  const run = newRun();
  await run.keep();
  const ask = (user: number) => run.ask({ user, ticket: `rate.${user}`, quantity: 1 }, { perSecond });
  const [first, second] = await Promise.all([ask(1), ask(2)]);
  assert.equal(first[0], "admitted");
  assert.equal(second[0], "later");
  const later = Number(second[1]);
  assert(later > 0 && later <= 1_000 / perSecond, String(later));
  await until("there is room for the second", async () => (await ask(2))[0] === "admitted");
  assert.equal((await ask(3))[0], "later");
});

test("as many are admitted at once as come to a round trip's time", async () => {
  const perSecond = 60;
  const run = newRun();
  await run.keep();
  const answers = await Promise.all(
    Array.from({ length: total }, (_, index) =>
      run.ask({ user: index + 1, ticket: `ahead.${index}`, quantity: 1 }, { perSecond }),
    ),
  );
  const admitted = answers.filter(([word]) => word === "admitted").length;
  // One more whenever the machine takes a sixtieth of a second between two of them.
  assert(
    admitted >= Math.floor((ADMISSIONS_AHEAD_MS * perSecond) / 1_000) && admitted < total,
    `${admitted}`,
  );
});

function newRun() {
  lastSale += 1;
  const id = lastSale;
  const sale = { id, perUserMax, endsAtMs: Date.now() + 600_000 } as Sale;
  const model = new Model();
  const everAsked: Asked[] = [];

  const ask = (
    { user, ticket, quantity }: Asked,
    { perSecond = 1_000_000, admits = true, mayWait = 1_000 } = {},
  ) =>
    admitScript.run(
      redis.client,
      [
        saleStateKey(place.prefix, String(id)),
        saleBucketKey(place.prefix, String(id), user),
        saleQueueKey(place.prefix, String(id)),
      ],
      [
        ...[user, ticket, quantity, perUserMax, perSecond, 0].map(String),
        ...[String(sale.endsAtMs), admits ? "1" : "0", String(ADMISSIONS_AHEAD_MS), String(mayWait)],
      ],
    ) as Promise<[string, unknown]>;

  const settle = async (decided: Decided) => {
    const queue = await redis.client.xrange(saleQueueKey(place.prefix, String(id)), "-", "+");
    const entry = queue.find(([, fields]) => fields.includes(decided.ticket))?.[0] ?? "0-1";
    await admissions.settle(sale, keys, [{ entry, decided }]);
  };

  const keep = async () => {
    const admits = await admissions.admits(id);
    if (admits === undefined) {
      const buyers = [1, 2, 3, 4].map((userId) => ({ userId, quantity: model.got(userId) }));
      await admissions.putBuyers(
        sale,
        buyers.filter(({ quantity }) => quantity > 0),
      );
      for (const decided of model.decided.values()) await settle(decided);
      model.taken = model.granted = 0;
      for (const { userId, quantity } of buyers) model.pieces.set(userId, quantity);
      for (const ticket of model.decided.keys()) model.known.add(ticket);
      model.taken = model.soldPieces;
    }
    const { putBack, available, version } = model;
    model.granted = total + putBack;
    await admissions.prepare(sale, { total, putBack, available, version, closed: false }, admits);
  };

  const decide = async ({ user: userId, ticket, quantity }: Asked, wantsSale: boolean) => {
    const sold = wantsSale && model.available >= quantity && model.got(userId) + quantity <= perUserMax;
    const decided = {
      ...{ ticket, userId, quantity, outcome: sold ? "CONFIRMED" : "REJECTED", reason: sold ? "" : "failed" },
      ...{ orderId: sold ? "an order" : undefined, paysUntilMs: sold ? sale.endsAtMs : undefined },
      ...{ arrivedAtMs: 0, queueMs: 0, queueNumber: 1, decidedAtMs: 0 },
    } as Decided;
    model.decided.set(ticket, decided);
    model.version += 1;
    await settle(decided);
    model.waiting.delete(ticket);
    if (sold) return;
    model.taken = (model.taken ?? 0) - quantity;
    model.pieces.set(userId, (model.pieces.get(userId) ?? 0) - quantity);
  };

  const expectAnswer = async (asked: Asked) => {
    const expected = model.ask(asked);
    const [word, value] = await ask(asked, { mayWait: queueMax });
    assert.equal(word, expected);
    if (word === "held") assert.equal(value === TICKET_WAITS, model.waiting.has(asked.ticket));
  };

  const steps = {
    ask: async ({ user, quantity }: { user: number; quantity: number }) => {
      const asked = { user, quantity, ticket: `s${id}.${everAsked.length}` };
      everAsked.push(asked);
      await expectAnswer(asked);
    },
    repeat: async ({ which }: { which: number }) => {
      const asked = everAsked[which % everAsked.length];
      if (asked !== undefined) await expectAnswer(asked);
    },
    look: async ({ which }: { which: number }) => {
      const asked = everAsked[which % everAsked.length];
      if (asked === undefined) return;
      const [word] = await ask(asked, { admits: false });
      assert.equal(word, model.known.has(asked.ticket) ? "held" : "none");
    },
    settle: async ({ which, sold }: { which: number; sold: boolean }) => {
      const asked = [...model.waiting.values()][which % model.waiting.size];
      if (asked !== undefined) await decide(asked, sold);
    },
    "settle-again": async ({ which }: { which: number }) => {
      const decided = [...model.decided.values()].filter(({ ticket }) => model.known.has(ticket));
      const one = decided[which % decided.length];
      if (one !== undefined) await settle(one);
    },
    "put-back": async ({ which }: { which: number }) => {
      const sold = [...model.decided.values()].filter(({ outcome }) => outcome === "CONFIRMED");
      const pieces = sold[which % sold.length]?.quantity;
      if (pieces === undefined || model.available + pieces > total) return;
      model.putBack += pieces;
      model.version += 1;
      await keep();
    },
    lose: async () => {
      const names = await redis.client.keys(`${place.prefix}{sale:${id}}:*`);
      if (names.length > 0) await redis.client.del(names);
      model.taken = undefined;
      for (const lost of [model.waiting, model.known, model.pieces]) lost.clear();
    },
    keep: () => keep(),
  };

  const take = async (step: { op: keyof typeof steps }) => {
    // Without a state nothing is settled: the queue is gone, too.
    if (model.taken === undefined && step.op !== "ask" && step.op !== "repeat") await keep();
    await steps[step.op](step as never);
  };

  const check = async () => {
    assert(model.soldPieces <= total + model.putBack, "more was sold than there is");
    assert.equal(await redis.client.xlen(saleQueueKey(place.prefix, String(id))), model.waiting.size);
    if (model.taken === undefined) return;
    const [taken, granted] = await redis.client.hmget(
      saleStateKey(place.prefix, String(id)),
      "taken",
      "granted",
    );
    assert.deepEqual([Number(taken), Number(granted)], [model.taken, model.granted]);
  };

  return { ask, keep, take, check };
}
