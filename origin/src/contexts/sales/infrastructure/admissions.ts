import { SALE_KEPT_MS, saleBucketKey, saleQueueKey, saleStateKey } from "@sluice/contract/sale.ts";
import type { RedisStore } from "../../../platform/redis/connect.ts";
import { redisScript } from "../../../platform/redis/script.ts";
import type { Admissions, SaleKeys } from "../application/ports.ts";
import type { Sale } from "../domain/sale.ts";
import type { Decided } from "../domain/ticket.ts";
import { purchaseToken } from "./sale-keys.ts";

/** The consumer group of the core. */
export const coreGroup = "core";

const settleScript = redisScript(new URL("settle.lua", import.meta.url));
const prepareScript = redisScript(new URL("prepare.lua", import.meta.url));

/** What Redis holds of sales. Everything of one sale is in one hash slot. */
export function admissionsIn({ client, prefix, isUp }: RedisStore, issuer: string): Admissions {
  const stateKey = (sale: number) => saleStateKey(prefix, String(sale));
  const queueKey = (sale: number) => saleQueueKey(prefix, String(sale));
  const bucketKey = (sale: number, userId: number) => saleBucketKey(prefix, String(sale), userId);
  const keptUntil = (sale: Sale) => String(sale.endsAtMs + SALE_KEPT_MS);
  return {
    isUp,
    admits: async (sale) => (await client.hget(stateKey(sale), "admits")) ?? undefined,
    waiting: (sale) => client.xlen(queueKey(sale)),
    putBuyers: async (sale, buyers) => {
      const pipeline = client.pipeline();
      for (const { userId, quantity } of buyers) {
        const key = bucketKey(sale.id, userId);
        // Never over what was admitted meanwhile.
        pipeline.hsetnx(key, `u${userId}`, quantity).pexpireat(key, keptUntil(sale));
      }
      for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
    },
    prepare: async (sale, { total, putBack, available, version }, admits) => {
      const done = await prepareScript.run(
        client,
        [stateKey(sale.id), queueKey(sale.id)],
        [...[total + putBack, available, version].map(String), keptUntil(sale), admits ?? ""],
      );
      return done as "prepared" | "corrected" | "kept";
    },
    settle: async (sale, keys, settled) => {
      if (settled.length === 0) return;
      const buckets = settled.map(({ decided }) => bucketKey(sale.id, decided.userId));
      await settleScript.run(
        client,
        [stateKey(sale.id), queueKey(sale.id), ...buckets],
        [
          ...[coreGroup, keptUntil(sale)],
          ...settled.flatMap(({ entry, decided }) => [
            ...[entry, decided.ticket, String(decided.userId), String(decided.quantity)],
            outcomeText(sale, keys, decided, issuer),
            decided.outcome === "CONFIRMED" ? "0" : "1",
          ]),
        ],
      );
    },
    ticket: async (sale, userId, ticket) => {
      if (!isUp()) return "away";
      try {
        return { held: (await client.hget(bucketKey(sale, userId), `t${ticket}`)) ?? undefined };
      } catch {
        // What ails Redis is told by its client.
        return "away";
      }
    },
  };
}

/** What a ticket's owner is told; the ticket itself is put before it by whoever answers. */
export function outcomeText(sale: Sale, keys: SaleKeys, decided: Decided, issuer: string): string {
  const { outcome, reason, orderId, paysUntilMs } = decided;
  if (outcome !== "CONFIRMED" || paysUntilMs === undefined) {
    return JSON.stringify({ status: outcome, ...(reason === "" ? {} : { reason }) });
  }
  return JSON.stringify({
    status: outcome,
    orderId,
    payUntil: new Date(paysUntilMs).toISOString(),
    purchaseToken: purchaseToken(sale, keys, decided, issuer),
  });
}
