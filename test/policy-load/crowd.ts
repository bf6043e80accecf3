/**
 * Requests without a pause, over connections that stay open: most from callers whom nothing ever denies, the others
 * from addresses whose verdict changes, each held against what it may be at that moment.
 */
import { Agent, request } from "node:http";
import type { Timeline } from "./timeline.ts";

/** Addresses that nothing denies. */
const CALLERS = ["46.4.0.1", "8.8.8.8", "133.1.1.1", "2a00:1450:4001::1", "203.0.114.9"];
const CONNECTIONS = 16;
const PATH = "/products?limit=1";
const ANSWER_TIMEOUT_MS = 10_000;

export interface Crowd {
  /** Asked about from now on. */
  watch(address: string, timeline: Timeline): void;
  unwatch(address: string): void;
  stop(): Promise<Outcome>;
}

export interface Outcome {
  requests: number;
  /** Of them from addresses whose verdict changes. */
  watched: number;
  /** Of these, refused. */
  denied: number;
  /** What was no answer, or none that there should ever be. */
  failed: number;
  /** The first of them, in words. */
  failures: string[];
  /** Of each verdict that was already wrong, by how much, ms. */
  latenessMs: number[];
}

const FAILURES_KEPT = 20;

export function startCrowd(edgeUrl: string, seed: number): Crowd {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const watched = new Map<string, Timeline>();
  const outcome: Outcome = { requests: 0, watched: 0, denied: 0, failed: 0, failures: [], latenessMs: [] };
  let stopped = false;
  const next = numbersFrom(seed);
  const failed = (what: string) => {
    outcome.failed += 1;
    if (outcome.failures.length < FAILURES_KEPT) outcome.failures.push(what);
  };

  const askOne = async () => {
    const addresses = [...watched.keys()];
    const isWatched = addresses.length > 0 && next() % 3 === 0;
    const from = isWatched
      ? (addresses[next() % addresses.length] as string)
      : (CALLERS[next() % CALLERS.length] as string);
    const timeline = isWatched ? watched.get(from) : undefined;
    const askedMs = performance.now();
    const status = await ask(edgeUrl, agent, from);
    outcome.requests += 1;
    if (status !== 200 && (timeline === undefined || status !== 403)) {
      failed(`${from} was answered ${status}`);
      return;
    }
    if (timeline === undefined) return;
    outcome.watched += 1;
    if (status === 403) outcome.denied += 1;
    const lateMs = timeline.latenessMs(status === 403, askedMs, performance.now());
    if (lateMs > 0) outcome.latenessMs.push(lateMs);
  };
  const lane = async () => {
    while (!stopped) await askOne().catch((error: Error) => failed(error.message));
  };
  const lanes = Array.from({ length: CONNECTIONS }, lane);
  return {
    watch: (address, timeline) => watched.set(address, timeline),
    unwatch: (address) => watched.delete(address),
    stop: async () => {
      stopped = true;
      await Promise.all(lanes);
      agent.destroy();
      return outcome;
    },
  };
}

function ask(url: string, agent: Agent, from: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { "x-forwarded-for": from };
    const outgoing = request(new URL(PATH, url), { agent, headers, timeout: ANSWER_TIMEOUT_MS }, (answer) => {
      answer.resume();
      answer.once("end", () => resolve(answer.statusCode as number));
      answer.once("error", reject);
    });
    outgoing.once("timeout", () => outgoing.destroy(new Error("no answer in time")));
    outgoing.once("error", reject);
    outgoing.end();
  });
}

/** xorshift32: the same run has the same crowd. */
function numbersFrom(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
