/** The gate of flash sales, challenges and admission, in a real nginx before a real Redis; nobody sells behind them. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { CHANGE_DOCUMENT } from "@sluice/contract/change.ts";
import { COOKIE_ACCESS } from "@sluice/contract/cookies.ts";
import {
  ADMITTED_IN_ORDER_MS,
  CHALLENGE_MAC_LENGTH,
  challengeText,
  type SaleDocument,
  saleBucketKey,
  saleQueueKey,
  saleStateKey,
  salesKey,
  TICKET_WAITS,
  TICKET_WAITS_MAX_MS,
} from "@sluice/contract/sale.ts";
import { type EdgeUnderTest, FROM_GERMANY, FROM_KOREA, startEdge } from "./edge-under-test.ts";
import { type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
import { PREFIX, type RedisUnderTest, startRedis } from "./redis-under-test.ts";
import { token } from "./tokens.ts";

const PUBLIC_URL = "https://shop.example";

describe("flash sales at the edge", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;
  let lastSale = 0;
  const documents = new Map<number, SaleDocument>();

  before(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    await redis.ready("1");
    for (let user = 1; user <= 60; user++) await redis.session(`session-${user}`, 1, String(user));
    edge = await startEdge({
      ...{ redisPort: redis.port, originPort: origin.port, workers: 2 },
      env: { EDGE_PUBLIC_URL: PUBLIC_URL },
    });
    await edge.untilFollowing();
  });

  after(async () => {
    await edge?.close();
    await origin?.close();
    await redis?.close();
  });

  /** As the relay and the keeper do it; waits until both workers know. */
  async function putSale(more: Partial<SaleDocument> = {}, pieces = 10): Promise<number> {
    const id = more.id ?? ++lastSale;
    const before = documents.get(id);
    const document: SaleDocument = {
      ...{ id, productId: 1, priceCents: 100, currency: "EUR", total: pieces, perUserMax: 1 },
      ...{
        perSecond: 1_000,
        buyRate: 10_000,
        countries: [],
        status: "OPEN",
        challengeKey: "a key of this sale",
      },
      ...{ startsAtMs: Date.now() - 1_000, endsAtMs: Date.now() + 600_000, page: `{"id":${id}}` },
      ...before,
      ...more,
      version: (before?.version ?? 0) + 1,
    };
    documents.set(id, document);
    if (before === undefined) {
      await redis.client.hset(saleStateKey(PREFIX, String(id)), "granted", pieces, "taken", 0, "version", 1);
    }
    const text = JSON.stringify({ ...document, page: `{"id":${id},"v":${document.version}}` });
    await redis.client.hset(salesKey(PREFIX), String(id), text);
    await redis.change("sale", String(id), document.version, [CHANGE_DOCUMENT, text]);
    await until("both workers know the sale", async () => {
      for (let n = 0; n < 12; n++) {
        const page = await edge.from(FROM_GERMANY, `/flash-sales/${id}`);
        if (document.status === "DRAFT" ? page.status !== 404 : page.json().v !== document.version)
          return false;
      }
      return true;
    });
    return id;
  }

  const tokens = new Map<number, string>();
  const headersOf = (user: number) => {
    const known = tokens.get(user) ?? token(edge.signingKey, { sub: String(user), sid: `session-${user}` });
    tokens.set(user, known);
    return ["authorization", `Bearer ${known}`, "content-type", "application/json"];
  };
  const post = (user: number, path: string, body?: object, from = FROM_GERMANY) =>
    edge.from(from, path, { method: "POST", headers: headersOf(user), body: JSON.stringify(body ?? {}) });
  const challengeFor = async (user: number, sale: number): Promise<string> => {
    const answer = await post(user, `/flash-sales/${sale}/challenges`);
    assert.equal(answer.status, 201, answer.body);
    return String(answer.json().challenge);
  };
  const tryToBuy = (user: number, sale: number, challenge: string, more: object = {}) =>
    post(user, `/flash-sales/${sale}/purchases`, { challenge, ...more });
  /** One try a second is what everybody has, over all sales: whoever bought a moment ago comes again. */
  const purchase = (user: number, sale: number, challenge: string, more: object = {}) =>
    until("they may try", async () => {
      const answer = await tryToBuy(user, sale, challenge, more);
      return answer.status === 429 && answer.json().code === "rate.limited" ? undefined : answer;
    });
  const told = (answer: { status: number; json(): Record<string, unknown> }) => [
    answer.status,
    answer.json().code,
  ];
  const waiting = (sale: number) => redis.client.xlen(saleQueueKey(PREFIX, String(sale)));

  test("a challenge is handed out, brings a ticket, and brings the same ticket again", async () => {
    const sale = await putSale();
    const challenge = await challengeFor(1, sale);
    const bought = await purchase(1, sale, challenge);
    assert.deepEqual([bought.status, bought.json().ticket, bought.json().status], [202, challenge, "QUEUED"]);
    const again = await Promise.all([1, 2, 3, 4].map(() => purchase(1, sale, challenge)));
    for (const answer of again) {
      if (answer.status !== 202) assert.equal(answer.json().code, "sale.in_flight");
      else assert.deepEqual([answer.status, answer.json().ticket], [202, challenge]);
    }
    assert.equal(await waiting(sale), 1);
    const ticket = await edge.from(FROM_GERMANY, `/flash-sales/${sale}/purchases/${challenge}`, {
      headers: headersOf(1),
    });
    assert.deepEqual([ticket.status, ticket.json().status], [200, "QUEUED"]);
  });

  test("a browser buys from a page of this site, and no other page can make it buy", async () => {
    const sale = await putSale();
    const cookie = `${COOKIE_ACCESS}=${token(edge.signingKey, { sub: "60", sid: "session-60" })}`;
    const challenges = (...more: string[]) =>
      edge.from(FROM_GERMANY, `/flash-sales/${sale}/challenges`, {
        method: "POST",
        headers: ["cookie", cookie, "content-type", "application/json", ...more],
        body: "{}",
      });
    for (const foreign of [
      [],
      ["sec-fetch-site", "cross-site", "origin", PUBLIC_URL],
      ["sec-fetch-site", "same-site"],
      ["origin", "https://evil.example"],
    ]) {
      const answer = await challenges(...foreign);
      assert.deepEqual(told(answer), [403, "auth.cross_site"], foreign.join(" "));
    }
    assert.equal((await challenges("sec-fetch-site", "same-origin")).status, 201);
    assert.equal((await challenges("origin", PUBLIC_URL)).status, 201);
  });

  test("whoever lost their answer gets the ticket, also when all is sold by then or the sale is over", async () => {
    const sale = await putSale({}, 1);
    const [winner, late] = [await challengeFor(1, sale), await challengeFor(2, sale)];
    assert.equal((await purchase(1, sale, winner)).status, 202);
    assert.deepEqual(told(await purchase(2, sale, late)), [409, "sale.sold_out"]);
    assert.equal((await purchase(1, sale, winner)).json().ticket, winner);
    for (const status of ["SOLD_OUT", "PAUSED", "ENDED"] as const) {
      await putSale({ id: sale, status });
      assert.equal((await purchase(1, sale, winner)).json().ticket, winner, status);
      assert.notEqual((await purchase(2, sale, late)).status, 202, status);
    }
    await redis.client.hset(
      saleBucketKey(PREFIX, String(sale), 1),
      `t${winner.split(".", 2).join(".")}`,
      '{"status":"CONFIRMED"}',
    );
    const outcome = await purchase(1, sale, winner);
    assert.deepEqual([outcome.status, outcome.json()], [202, { ticket: winner, status: "CONFIRMED" }]);
  });

  const closed: [string, Partial<SaleDocument>, number, string][] = [
    ["a draft", { status: "DRAFT" }, 404, "sale.not_found"],
    [
      "one that has not started",
      { status: "SCHEDULED", startsAtMs: Date.now() + 60_000 },
      409,
      "sale.not_started",
    ],
    ["one that has ended by the clock", { endsAtMs: Date.now() - 1 }, 410, "sale.ended"],
    ["one that is paused", { status: "PAUSED" }, 409, "sale.paused"],
    ["one that is sold out", { status: "SOLD_OUT" }, 409, "sale.sold_out"],
    ["one for others", { countries: ["FR"] }, 403, "sale.country_refused"],
  ];

  for (const [what, more, status, code] of closed) {
    test(`no challenge for ${what}: ${status} ${code}`, async () => {
      const answer = await post(1, `/flash-sales/${await putSale(more)}/challenges`);
      assert.deepEqual(told(answer), [status, code]);
      assert.equal(
        answer.headers["retry-after"] !== undefined,
        code === "sale.not_started" || code === "sale.paused",
      );
      assert.equal(origin.seen.filter(({ url }) => url.includes("challenges")).length, 0);
    });
  }

  test("a sale opens by the clock, without anybody writing it down", async () => {
    const sale = await putSale({ status: "SCHEDULED", startsAtMs: Date.now() + 1_500 });
    assert.deepEqual(told(await post(1, `/flash-sales/${sale}/challenges`)), [409, "sale.not_started"]);
    await until("it is open", async () => (await post(1, `/flash-sales/${sale}/challenges`)).status === 201);
  });

  test("challenges of others, of other sales, made up or changed are refused", async () => {
    const [sale, other] = [await putSale(), await putSale({ challengeKey: "another key" })];
    const own = await challengeFor(1, sale);
    const forged = [`${own.slice(0, -1)}${own.endsWith("A") ? "B" : "A"}`, own.slice(1), "x", ""];
    const answers = [
      await purchase(2, sale, own),
      await purchase(1, other, own),
      ...(await Promise.all(forged.map((text) => purchase(3, sale, text)))),
    ];
    for (const answer of answers) assert.deepEqual(told(answer), [403, "sale.challenge_invalid"]);
    assert.equal(await waiting(sale), 0);
  });

  test("bodies that make no sense are refused", async () => {
    const sale = await putSale();
    const challenge = await challengeFor(1, sale);
    for (const body of ["", "[]", "{", '{"challenge":7}']) {
      const answer = await edge.from(FROM_GERMANY, `/flash-sales/${sale}/purchases`, {
        ...{ method: "POST", headers: headersOf(1), body },
      });
      assert.deepEqual(told(answer), [400, "request.malformed"], body);
    }
    for (const quantity of [0, -1, 1.5, 101, "2"]) {
      assert.deepEqual(told(await purchase(1, sale, challenge, { quantity })), [400, "request.malformed"]);
    }
  });

  test("nobody gets more than one may have, over however many challenges and connections", async () => {
    const sale = await putSale({ perUserMax: 2 });
    const challenges = await Promise.all(Array.from({ length: 10 }, () => challengeFor(1, sale)));
    const answers = await Promise.all(challenges.map((challenge) => purchase(1, sale, challenge)));
    assert.equal(answers.filter(({ status }) => status === 202).length, 1);
    for (const answer of answers) {
      if (answer.status !== 202)
        assert.match(String(answer.json().code), /^(sale\.in_flight|rate\.limited)$/);
    }
    await redis.client.hset(saleBucketKey(PREFIX, String(sale), 1), "u1", "2");
    const more = await challengeFor(1, sale);
    await until("it is told", async () => (await purchase(1, sale, more)).json().code === "sale.limit");
  });

  test("no more are admitted in a second than may be, and who is too many comes again with the same challenge", async () => {
    const sale = await putSale({ perSecond: 2 });
    const challenges = await Promise.all([1, 2, 3, 4, 5, 6, 7].map((user) => challengeFor(user, sale)));
    const answers = await Promise.all(
      challenges.map((challenge, index) => purchase(index + 1, sale, challenge)),
    );
    const crowded = answers.findIndex(({ status }) => status === 429);
    assert(crowded >= 0, "somebody is too many");
    assert.deepEqual(told(answers[crowded] as never), [429, "sale.crowded"]);
    assert.equal(answers[crowded]?.headers["retry-after"], "1");
    await until("a second later there is room", async () => {
      return (await purchase(crowded + 1, sale, challenges[crowded] as string)).status === 202;
    });
  });

  test("whoever knocks more often than once a second gets in no sooner, and hears of their ticket nevertheless", async () => {
    const sale = await putSale({ perSecond: 1, perUserMax: 10 });
    const first = await challengeFor(50, sale);
    await until("they are in", async () => (await purchase(50, sale, first)).status === 202);
    const more = await Promise.all([1, 2, 3, 4, 5, 6].map(() => challengeFor(50, sale)));
    const answers = await Promise.all(more.map((challenge) => tryToBuy(50, sale, challenge)));
    for (const answer of answers)
      assert.match(String(answer.json().code), /^(sale\.(in_flight|crowded)|rate\.limited)$/);
    const again = await until("the ticket is told", async () => {
      const answer = await purchase(50, sale, first);
      return answer.status === 202 ? answer : undefined;
    });
    assert.equal(again.json().ticket, first);
  });

  test("only the drawn get a challenge, however often they ask", async () => {
    const sale = await putSale({ buyRate: 3_000 });
    const drawn = async () => {
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, n) => post(n + 1, `/flash-sales/${sale}/challenges`)),
      );
      return answers.map(({ status }) => status === 201);
    };
    await until("two looks fall into one draw", async () => {
      const [first, second] = [await drawn(), await drawn()];
      const share = first.filter((one) => one).length / first.length;
      assert(share > 0.02 && share < 0.7, `${share} were drawn`);
      return first.every((one, index) => one === second[index]);
    });
  });

  test("of those who come one after the other the earlier one is admitted first", async () => {
    const sale = await putSale({}, 60);
    const challenges = await Promise.all(Array.from({ length: 40 }, (_, n) => challengeFor(n + 1, sale)));
    const asked: Promise<unknown>[] = [];
    for (const [index, challenge] of challenges.entries()) {
      asked.push(purchase(index + 1, sale, challenge));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await Promise.all(asked);
    const entries = await redis.client.xrange(saleQueueKey(PREFIX, String(sale)), "-", "+");
    const arrivals = entries.map(([, fields]) => Number(fields[fields.indexOf("a") + 1]));
    assert.equal(arrivals.length, 40);
    let latest = 0;
    for (const arrival of arrivals) {
      assert(latest - arrival <= ADMITTED_IN_ORDER_MS, `overtaken by ${latest - arrival} ms`);
      latest = Math.max(latest, arrival);
    }
  });

  test("tickets of others are nobody's, and what Redis doesn't know the origin is asked", async () => {
    const sale = await putSale();
    const challenge = await challengeFor(1, sale);
    const path = `/flash-sales/${sale}/purchases/${challenge}`;
    assert.deepEqual(told(await edge.from(FROM_GERMANY, path, { headers: headersOf(2) })), [
      404,
      "sale.ticket_unknown",
    ]);
    const before = origin.seen.length;
    await edge.from(FROM_GERMANY, path, { headers: headersOf(1) });
    assert.equal(origin.seen.length, before + 1);
    assert.equal(origin.seen.at(-1)?.url, path);
    assert.equal((await purchase(1, sale, challenge)).status, 202);
    await edge.from(FROM_GERMANY, path, { headers: headersOf(1) });
    assert.equal(origin.seen.length, before + 1, "what waits the edge knows by itself");
  });

  test("a ticket that has waited for too long is for the origin to decide", async () => {
    const sale = await putSale();
    const id = `${(Date.now() - TICKET_WAITS_MAX_MS - 1).toString(36)}.a-1`;
    const mac = createHmac("sha256", "a key of this sale").update(challengeText(String(sale), "1", id));
    const path = `/flash-sales/${sale}/purchases/${id}.${mac.digest("base64url").slice(0, CHALLENGE_MAC_LENGTH)}`;
    await redis.client.hset(saleBucketKey(PREFIX, String(sale), 1), `t${id}`, TICKET_WAITS);
    await edge.from(FROM_GERMANY, path, { headers: headersOf(1) });
    assert.equal(origin.seen.at(-1)?.url, path);
  });

  test("a sale without a state in Redis admits nobody, and says when to come again", async () => {
    const sale = await putSale();
    const challenge = await challengeFor(1, sale);
    await redis.client.del(saleStateKey(PREFIX, String(sale)));
    const answer = await purchase(1, sale, challenge);
    assert.deepEqual(told(answer), [503, "sale.unavailable"]);
    assert.equal(answer.headers["retry-after"], "1");
  });

  test("without Redis nobody is let in", async () => {
    const sale = await putSale();
    await redis.kill();
    await until("the workers have noticed", async () => {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => post(1, `/flash-sales/${sale}/challenges`, {}, FROM_KOREA)),
      );
      return answers.every(({ status }) => status === 503);
    });
    await redis.restart();
    await until("it goes on", async () => (await post(1, `/flash-sales/${sale}/challenges`)).status === 201);
  });
});
