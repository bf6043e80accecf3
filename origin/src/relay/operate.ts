import { setTimeout as delay } from "node:timers/promises";
import { StartFaults } from "../kernel/errors.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import type { CoherenceStatus } from "./coherence.ts";
import type { FilterStatus } from "./filters.ts";
import { askForRebuild, isRebuildTaken, type RebuildRequest } from "./rebuild.ts";
import type { RelayStatus } from "./status.ts";

/** How `npx sluice relay …` speaks to the relay that leads: through Redis, so from anywhere. */
const takenWithinMs = 10_000;

/** Names those that there are. */
export class UnknownProjection extends StartFaults {
  constructor(table: string, known: readonly string[]) {
    super("relay-rebuild", [`there is no projection of "${table}"; there are ${known.join(", ")}`]);
  }
}

/** Resolves to true when a leader has begun; to false when the request waits for one. */
export async function requestRebuild(redis: RedisStore, request: RebuildRequest): Promise<boolean> {
  await askForRebuild(redis, request);
  const untilMs = performance.now() + takenWithinMs;
  while (performance.now() < untilMs) {
    if (await isRebuildTaken(redis)) return true;
    await delay(50);
  }
  return false;
}

/** For people. */
export function statusText(status: RelayStatus | undefined): string {
  if (status === undefined) return "no relay leads";
  const { state, epoch, position, behindMs, behindBytes, rows, rowsPerSecond, queues, fills } = status;
  const filling = Object.entries(fills).filter(([, { after }]) => after !== undefined);
  const { lastError, filters, coherence, pages } = status;
  const lines = [
    ["state", state],
    ["behind", `${behindMs === null ? "?" : behindMs / 1_000} s, ${behindBytes ?? "?"} bytes`],
    ["rows", `${rows}, ${rowsPerSecond}/s`],
    ["queues", `${queues.bufferedRows} rows, ${queues.batchesInFlight} batches, ${queues.messages} messages`],
    ["position", position],
    ["epoch", epoch],
    [
      "filling",
      filling.map(([table, { after }]) => `${table} (after ${after ?? "nothing"})`).join(", ") || "-",
    ],
    ["filters", filters.map(filterText).join(", ") || "-"],
    ["sampled", coherenceText("rows in Redis", coherence)],
    ["", coherenceText("pages in edge workers", pages)],
    [
      "last error",
      lastError === null ? "-" : `${new Date(lastError.atMs).toISOString()} ${lastError.message}`,
    ],
  ];
  return lines.map(([name = "", value]) => `${name.padEnd(12)}${value}`).join("\n");
}

function filterText({ filter, building, bytes, falsePositives }: FilterStatus): string {
  const share = `${(falsePositives * 100).toPrecision(2)} % of other ids pass`;
  return `${filter}: ${building ? "being built" : `${bytes} bytes, ${share}`}`;
}

function coherenceText(what: string, { sampled, differing }: CoherenceStatus): string {
  const ages = differing.map(({ ageMs, count }) => `${count} for ${ageMs} ms`);
  return `${sampled} ${what}, of which differed: ${ages.join(", ")} and longer`;
}
