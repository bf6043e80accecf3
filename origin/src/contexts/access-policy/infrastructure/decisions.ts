import { DECISION_DOCUMENT, type DecisionRecord } from "@sluice/contract/decision-record.ts";
import { decisionCountersKey, decisionsKey } from "@sluice/contract/keys.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { RedisStore } from "../../../platform/redis/connect.ts";
import type { RecordedDecision, RecordedDecisions } from "../application/ports.ts";
import { accessErrors } from "../errors.ts";

const pageSize = 5_000;

/** What edges recorded, in the stream that they write. */
export function decisionsIn({ client, prefix, isUp }: RedisStore): RecordedDecisions {
  const key = decisionsKey(prefix);
  const requireRedis = () => {
    if (!isUp()) throw new Refusal(accessErrors.recordUnavailable);
  };
  return {
    latest: async (before, limit) => {
      requireRedis();
      const entries = await client.xrevrange(
        key,
        before === undefined ? "+" : `(${before}`,
        "-",
        "COUNT",
        limit,
      );
      return entries.map(toDecision);
    },

    since: async function* (sinceMs) {
      requireRedis();
      // What comes while it is read is for the next run.
      const [newest] = await client.xrevrange(key, "+", "-", "COUNT", 1);
      if (newest === undefined) return;
      let from = String(sinceMs);
      for (;;) {
        const entries = await client.xrange(key, from, newest[0], "COUNT", pageSize);
        const last = entries.at(-1);
        if (last === undefined) return;
        yield entries.map(toDecision);
        if (entries.length < pageSize) return;
        from = `(${last[0]}`;
      }
    },

    count: async () => {
      requireRedis();
      return client.xlen(key);
    },

    counters: async () => {
      requireRedis();
      return client.hgetall(decisionCountersKey(prefix));
    },
  };
}

function toDecision([id, fields]: [string, string[]]): RecordedDecision {
  const document = fields[fields.indexOf(DECISION_DOCUMENT) + 1] as string;
  return { id, ...(JSON.parse(document) as DecisionRecord) };
}
