/**
 * Rules are published and bans come and go while a crowd asks: not one request may fail, and no verdict be wrong once
 * a change has had time to reach every worker.
 */
import { performance } from "node:perf_hooks";
import { type Crowd, type Outcome, startCrowd } from "./crowd.ts";
import { Timeline } from "./timeline.ts";

export interface Campaign {
  edgeUrl: string;
  opsUrl: string;
  opsToken: string;
  publications: number;
  bans: number;
  bansPerBatch: number;
  say(text: string): void;
}

export interface CampaignResult extends Outcome {
  publications: number;
  bans: number;
  seconds: number;
}

/** Denied by every other revision, never by a list. */
const RULED = "198.51.100.7";
/** Of each batch so many are asked about. */
const WATCHED_PER_BATCH = 8;
/** Benchmark addresses (RFC 2544) and more of the kind that no caller has. */
const BANNED_FIRST = (198 << 24) | (18 << 16);

export async function runCampaign(campaign: Campaign): Promise<CampaignResult> {
  const startedMs = performance.now();
  const crowd = startCrowd(campaign.edgeUrl, 7);
  let outcome: Outcome;
  try {
    await Promise.all([publish(campaign, crowd), banAndLift(campaign, crowd)]);
  } finally {
    outcome = await crowd.stop();
  }
  const { publications, bans } = campaign;
  return { ...outcome, publications, bans, seconds: (performance.now() - startedMs) / 1000 };
}

async function publish({ publications, say, ...campaign }: Campaign, crowd: Crowd): Promise<void> {
  const timeline = new Timeline(false);
  crowd.watch(RULED, timeline);
  const before = await ops(campaign, "GET", "/policy");
  let revision = before.headers.get("etag") as string;
  for (let number = 1; number <= publications; number++) {
    const denied = number % 2 === 1;
    const document = {
      rules: [
        ...Array.from({ length: 20 }, (_, at) => ({
          id: `no-${at}-${number}`,
          match: { country: ["XA"], pathPrefix: `/products/${at}` },
          action: "deny",
          mode: "enforce",
        })),
        ...(denied
          ? [{ id: "no-test-net", match: { cidr: ["198.51.100.0/24"] }, action: "deny", mode: "enforce" }]
          : []),
      ],
      default: "allow",
    };
    const done = timeline.begin(denied, performance.now());
    const answer = await ops(campaign, "PUT", "/policy", JSON.stringify(document), "application/json", {
      "if-match": revision,
    });
    done(performance.now());
    revision = answer.headers.get("etag") as string;
    if (number % 10 === 0) say(`${number} of ${publications} revisions published`);
  }
  // At the end it stands as at the beginning, and nobody is asked about while it does not.
  crowd.unwatch(RULED);
  await ops(campaign, "PUT", "/policy", '{"rules":[],"default":"allow"}', "application/json", {
    "if-match": revision,
  });
}

async function banAndLift({ bans, bansPerBatch, say, ...campaign }: Campaign, crowd: Crowd): Promise<void> {
  for (let first = 0; first < bans; first += bansPerBatch) {
    const count = Math.min(bansPerBatch, bans - first);
    const addresses = Array.from({ length: count }, (_, at) => dotted(BANNED_FIRST + first + at));
    const lines = addresses.map((cidr) => JSON.stringify({ cidr, reason: "load" })).join("\n");
    const step = Math.ceil(count / WATCHED_PER_BATCH);
    const timelines = new Map(
      addresses.filter((_, at) => at % step === 0).map((one) => [one, new Timeline(false)]),
    );
    for (const [address, timeline] of timelines) crowd.watch(address, timeline);
    await change(campaign, "POST", lines, [...timelines.values()], true);
    await change(campaign, "DELETE", lines, [...timelines.values()], false);
    for (const address of timelines.keys()) crowd.unwatch(address);
    say(`${first + count} of ${bans} bans came and went`);
  }
}

async function change(
  campaign: OpsAddress,
  method: "POST" | "DELETE",
  lines: string,
  timelines: readonly Timeline[],
  denied: boolean,
): Promise<void> {
  const done = timelines.map((timeline) => timeline.begin(denied, performance.now()));
  const answer = await ops(campaign, method, "/lists/deny", lines, "application/x-ndjson");
  const nowMs = performance.now();
  for (const one of done) one(nowMs);
  const { faulty } = (await answer.json()) as { faulty: number };
  if (faulty > 0) throw new Error(`${faulty} lines of a bulk change were refused`);
}

type OpsAddress = Pick<Campaign, "opsUrl" | "opsToken">;

async function ops(
  { opsUrl, opsToken }: OpsAddress,
  method: string,
  path: string,
  body?: string,
  type?: string,
  more: Record<string, string> = {},
): Promise<Response> {
  const headers: Record<string, string> = { authorization: `Bearer ${opsToken}`, ...more };
  if (type !== undefined) headers["content-type"] = type;
  const answer = await fetch(opsUrl + path, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(60_000),
  });
  if (answer.ok) return answer;
  throw new Error(`${method} ${path} was answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
}

function dotted(number: number): string {
  const address = number >>> 0;
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join(".");
}
