/**
 * A draft of fifty rules tried on a million recorded decisions, as an operator does it. The reference is what nobody can
 * spare who reads them: one record after the other, parsed from its JSON.
 */
import { DECISION_DOCUMENT, type DecisionRecord } from "@sluice/contract/decision-record.ts";
import { decisionsKey } from "@sluice/contract/keys.ts";
import { Redis } from "ioredis";
import { FIFTY_RULES } from "../edge/policies.ts";
import { clientAddresses } from "../proxies/population.ts";
import type { Measurement } from "../suite.ts";
import type { WholeSystem } from "../whole-system.ts";

const SUITE = "policy";
export const RECORDED = 1_000_000;
const BATCH = 10_000;
const REFERENCE = "recorded decisions parsed";

export async function measureDryRun(system: WholeSystem, count: number): Promise<Measurement[]> {
  const documents = recordsOf(count);
  const parseStartedMs = performance.now();
  let bytes = 0;
  for (const document of documents) bytes += (JSON.parse(document) as DecisionRecord).path.length;
  const parsed = (performance.now() - parseStartedMs) / 1000;
  if (bytes === 0) throw new Error("nothing was parsed");
  await record(system, documents);
  const startedMs = performance.now();
  const report = await system.operator("/policy/dry-run", { document: FIFTY_RULES });
  const tried = (performance.now() - startedMs) / 1000;
  if ((report.requests as number) < count) throw new Error(`only ${report.requests} of ${count} were tried`);
  return [
    { name: REFERENCE, value: parsed },
    { name: "50 rules tried on recorded decisions", value: tried },
  ].map(({ name, value }) => ({
    suite: SUITE,
    name,
    value,
    unit: `s for ${count.toLocaleString("en")}`,
    reference: REFERENCE,
    ratio: value / parsed,
    samples: [value],
  }));
}

function recordsOf(count: number): string[] {
  const addresses = clientAddresses();
  const paths = ["/products", "/products/7", "/orders", "/auth/login", "/flash-sales/3"];
  return Array.from({ length: count }, (_, at) => {
    const path = paths[at % paths.length] as string;
    const made: DecisionRecord = {
      atMs: 1_790_000_000_000 + at,
      ip: addresses[at % addresses.length] as string,
      country: at % 3 === 0 ? "DE" : "JP",
      method: at % 7 === 0 ? "POST" : "GET",
      path,
      host: "shop.example",
      action: "allow",
      status: 0,
      reason: "default",
      rule: "",
      route: path,
      weight: 1,
    };
    return JSON.stringify(made);
  });
}

/** Into the stream that edges write. */
async function record({ origin }: WholeSystem, documents: readonly string[]): Promise<void> {
  const redis = new Redis(origin.REDIS_URL as string);
  const key = decisionsKey(origin.REDIS_PREFIX ?? "");
  try {
    for (let first = 0; first < documents.length; first += BATCH) {
      const pipeline = redis.pipeline();
      for (const document of documents.slice(first, first + BATCH))
        pipeline.xadd(key, "*", DECISION_DOCUMENT, document);
      await pipeline.exec();
    }
  } finally {
    redis.disconnect();
  }
}
