/** Flash sales on real services, with an api and a worker but without an edge: the test admits with the edge's own script. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import {
  CHALLENGE_MAC_LENGTH,
  challengeText,
  saleBucketKey,
  saleQueueKey,
  saleStateKey,
} from "@sluice/contract/sale.ts";
import { Redis } from "ioredis";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { redisScript } from "../src/platform/redis/script.ts";
import type { TestPlaces } from "./start-api.ts";
import { type Buyer, startTestShop } from "./start-shop.ts";
import { until } from "./until.ts";

const admitScript = redisScript(new URL("../../contract/src/sales/admit.lua", import.meta.url));

export async function startTestSales(places: TestPlaces & { readonly rabbitmqUrl: string }) {
  const shop = await startTestShop(places);
  const { api } = shop;
  let worker = await shop.startWorker();
  const redis = new Redis(places.redisUrl);
  const sql = await createConnection(places.mysqlUrl);
  let asked = 0;

  const figures = async (id: number) => (await api.operator("GET", `/flash-sales/${id}`)).body;

  const draft = async (pieces: number, more: object = {}): Promise<{ id: number; productId: number }> => {
    const productId = await shop.product(pieces + 5);
    const created = await api.operator("POST", "/flash-sales", {
      ...{ productId, priceCents: 500, total: pieces, startsAt: now(), endsAt: inAnHour() },
      ...more,
    });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    assert.equal(created.headers.get("etag"), '"1"');
    return { id: created.body.id, productId };
  };

  const changeOf = (id: number, wanted: object, version: number) =>
    api.operator("PATCH", `/flash-sales/${id}`, wanted, { "if-match": `"${version}"` });

  /** Of the version of the moment. The keeper makes versions too, also between the look and the change. */
  const change = (id: number, wanted: object) =>
    until("nobody else has changed the sale", async () => {
      const changed = await changeOf(id, wanted, (await figures(id)).version);
      return changed.status !== 412 && changed;
    });

  const open = async (pieces: number, more: object = {}) => {
    const sale = await draft(pieces, more);
    const opened = await change(sale.id, { status: "OPEN" });
    assert.equal(opened.status, 200, JSON.stringify(opened.body));
    return sale;
  };

  /** By its name: so long ago its challenge was handed out. */
  const newTicket = (agoMs = 0): string => {
    asked += 1;
    return `${(Date.now() - agoMs).toString(36)}.test-${asked}`;
  };

  const keys = {
    state: (saleId: number) => saleStateKey(places.redisPrefix, String(saleId)),
    queue: (saleId: number) => saleQueueKey(places.redisPrefix, String(saleId)),
    bucket: (saleId: number, { id }: Buyer) => saleBucketKey(places.redisPrefix, String(saleId), id),
  };

  /** As the edge does it; the ticket. */
  const admit = async (
    saleId: number,
    buyer: Buyer,
    { quantity = 1, perUserMax = 1, ticket = newTicket() } = {},
  ): Promise<string> => {
    const args = [buyer.id, ticket, quantity, perUserMax, 1_000_000, Date.now(), Date.now() + 60_000, 1];
    const bounds = [50, 1_000];
    const [word] = (await admitScript.run(
      redis,
      [keys.state(saleId), keys.bucket(saleId, buyer), keys.queue(saleId)],
      [...args, ...bounds].map(String),
    )) as [string];
    assert.equal(word, "admitted");
    return ticket;
  };

  return {
    ...{ shop, api, redis, sql, keys, figures, draft, changeOf, change, open, newTicket, admit },
    stopWorker: () => worker.close(),
    startWorker: async () => {
      worker = await shop.startWorker();
    },
    /** The ticket as its buyer has it, signed. */
    signed: async (saleId: number, { id }: Buyer, ticket: string): Promise<string> => {
      const [rows] = await sql.query<RowDataPacket[]>("SELECT challenge_key FROM sales WHERE id = ?", [
        saleId,
      ]);
      const mac = createHmac("sha256", rows[0]?.challenge_key)
        .update(challengeText(String(saleId), String(id), ticket))
        .digest("base64url");
      return `${ticket}.${mac.slice(0, CHALLENGE_MAC_LENGTH)}`;
    },
    /** What Redis tells of a ticket. */
    outcome: (saleId: number, buyer: Buyer, ticket: string) =>
      until(`the outcome of ${ticket}`, async () => {
        const held = await redis.hget(keys.bucket(saleId, buyer), `t${ticket}`);
        return held === null || held === "w" ? undefined : JSON.parse(held);
      }),
    /** All that Redis has of a sale. */
    lose: async (saleId: number) => {
      await redis.del(await redis.keys(`${places.redisPrefix}{sale:${saleId}}:*`));
    },
    close: async () => {
      redis.disconnect();
      await sql.end();
      await worker.close();
      await shop.close();
    },
  };
}

function inAnHour(): string {
  return new Date(Date.now() + 3_600_000).toISOString();
}

function now(): string {
  return new Date().toISOString();
}
