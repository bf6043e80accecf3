/** How buyers hear of their tickets, and that each has its outcome in time. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { TICKET_WAITS_MAX_MS } from "@sluice/contract/sale.ts";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
} from "../../../../cli/src/services/for-tests.ts";
import { sentEvents } from "../../../test/event-stream.ts";
import { startTestSales } from "../../../test/start-sales.ts";
import { until } from "../../../test/until.ts";
import { ticketLimits } from "./application/limits.ts";

const services = await startTestServices();
const database = await createTestDatabase(services);
const place = await createTestRedisPrefix(services);
const vhost = await createTestVhost(services);
const sales = await startTestSales({
  mysqlUrl: database.url,
  redisUrl: place.url,
  redisPrefix: place.prefix,
  rabbitmqUrl: vhost.url,
});
after(async () => {
  await sales.close();
  await vhost.close();
  await place.close();
  await database.close();
  await services.close();
});
const { shop, api, redis, keys, figures, open, newTicket, admit, signed, outcome } = sales;
const [one, two] = [await shop.join(), await shop.join()];

test("who listens hears that the ticket waits, and its outcome, with which the stream ends", async () => {
  const { id } = await open(1);
  await sales.stopWorker();
  const ticket = await signed(id, one, await admit(id, one));
  const listen = async () => {
    const path = `/flash-sales/${id}/purchases/${ticket}/events`;
    const response = await fetch(api.url + path, { headers: { authorization: `Bearer ${one.token}` } });
    assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
    return sentEvents(response.body as ReadableStream<Uint8Array>);
  };
  const events = await listen();
  assert.deepEqual((await events.next()).value?.data, { ticket, status: "QUEUED" });
  await sales.startWorker();
  const told = (await events.next()).value?.data;
  assert.deepEqual([told.ticket, told.status], [ticket, "CONFIRMED"]);
  assert.equal((await events.next()).done, true);
  assert.equal((await one.get(`/orders/${told.orderId}`)).body.status, "PENDING_PAYMENT");
  const again = await listen();
  assert.deepEqual((await again.next()).value?.data, told);
  assert.equal((await again.next()).done, true);
});

test("a ticket that was lost with Redis has its outcome 30 s after its challenge, and nobody sells to it later", async () => {
  const { id } = await open(3);
  await sales.stopWorker();
  const { lostAfterMs } = ticketLimits;
  const [old, fresh] = [newTicket(lostAfterMs - 3_000), newTicket()];
  await admit(id, one, { ticket: old });
  await admit(id, two, { ticket: fresh });
  await sales.lose(id);
  await sales.startWorker();
  await until("the state is back", async () => (await redis.exists(keys.state(id))) === 1);
  const path = `/flash-sales/${id}/purchases/${await signed(id, one, old)}`;
  assert.equal((await one.get(path)).body.status, "QUEUED");
  const lost = await until("it is turned down", async () => {
    const { body } = await one.get(path);
    return body.status !== "QUEUED" && { ...body, atMs: Date.now() };
  });
  assert.deepEqual([lost.status, lost.reason], ["REJECTED", "lost"]);
  const afterMs = lost.atMs - Number.parseInt(old, 36);
  assert(afterMs >= lostAfterMs && afterMs < lostAfterMs + 2_000, `after ${afterMs} ms`);
  // Whoever has a challenge that is good still, and sends it again, is admitted again.
  const freshPath = `/flash-sales/${id}/purchases/${await signed(id, two, fresh)}`;
  assert.equal((await two.get(freshPath)).body.status, "QUEUED");
  assert.equal((await outcome(id, two, await admit(id, two, { ticket: fresh }))).status, "CONFIRMED");
  // Somebody still had the other in hand.
  await admit(id, one, { ticket: old });
  assert.deepEqual(await outcome(id, one, old), { status: "REJECTED", reason: "lost" });
  assert.deepEqual((await figures(id)).tickets, { CONFIRMED: 1, REJECTED: 1 });
  await shop.auditIsClean();
});

test("a ticket that nobody takes off the queue has its outcome 60 s after its challenge, and its buyer may try again", async () => {
  const { id } = await open(1);
  await sales.stopWorker();
  const ticket = newTicket(TICKET_WAITS_MAX_MS - 1_000);
  await admit(id, one, { ticket });
  const path = `/flash-sales/${id}/purchases/${await signed(id, one, ticket)}`;
  assert.equal((await one.get(path)).body.status, "QUEUED");
  const late = await until("it is turned down", async () => {
    const { body } = await one.get(path);
    return body.status !== "QUEUED" && body;
  });
  assert.deepEqual([late.status, late.reason], ["REJECTED", "late"]);
  await sales.startWorker();
  assert.deepEqual(await outcome(id, one, ticket), { status: "REJECTED", reason: "late" });
  assert.equal((await outcome(id, one, await admit(id, one))).status, "CONFIRMED");
  await shop.auditIsClean();
});
