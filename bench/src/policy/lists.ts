/**
 * What a list of a million mixed entries costs a worker: memory, the time until it is loaded, and how long a request
 * has to wait meanwhile. HAProxy with the same list beside it, which cannot take a new one without a restart.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { readyKey } from "@sluice/contract/keys.ts";
import { Redis } from "ioredis";
import { startHaproxy } from "../edge/haproxy.ts";
import { FIFTY_RULES } from "../edge/policies.ts";
import { applyLoad, writeScript } from "../proxies/load.ts";
import { clientAddresses } from "../proxies/population.ts";
import { childrenOf } from "../proxies/processor.ts";
import type { Stage } from "../proxies/stage.ts";
import { type Measurement, median, type SuiteOptions } from "../suite.ts";

type Running = Awaited<ReturnType<Stage["start"]>>;

const SUITE = "policy";
const EDGE = "edge-million";
const LOAD_TIMEOUT_MS = 120_000;
/** Long enough for a load, and the wait for it to be noticed, on a machine that does nothing else. */
const LOAD_SECONDS = 15;
const QUICK_LOAD_SECONDS = 6;
const POLL_MS = 20;
/** One request after the other: what one waits for is the worker, and not the requests before it. */
const ONE_BY_ONE = { connections: 1 };

export async function measureLists(
  stage: Stage,
  blocks: readonly string[],
  { quick, progress }: SuiteOptions,
): Promise<Measurement[]> {
  const rounds = quick ? 1 : 3;
  progress("starting HAProxy and edges, with the list and without");
  const { home, upstreamPort } = stage;
  const haproxyWith = async (denied: readonly string[]) => {
    const startedMs = performance.now();
    const proxy = await stage.start((port) =>
      startHaproxy({ home, port, upstreamPort, denied, publicKey: undefined }),
    );
    return { proxy, seconds: (performance.now() - startedMs) / 1000 };
  };
  const haproxyEmpty = await haproxyWith(["192.0.2.1"]);
  const haproxy = await haproxyWith(blocks);
  const empty = await stage.startEdge("edge-empty", { denied: [], policy: FIFTY_RULES });
  const edge = await stage.startEdge(EDGE, { denied: blocks, policy: FIFTY_RULES });
  const memory = [
    memoryFigure(HAPROXY_MEMORY, privateMb(haproxy.proxy) - privateMb(haproxyEmpty.proxy), undefined),
  ];
  const base = memory[0]?.value as number;
  memory.push(memoryFigure("edge worker, first load", privateMb(edge) - privateMb(empty), base));

  const script = writeScript(home.data, "stalls", {
    paths: ["/nowhere"],
    addresses: clientAddresses(),
    tokens: [],
  });
  const loads: number[] = [];
  const stalls: { atRest: number[]; loading: number[] } = { atRest: [], loading: [] };
  for (let round = 1; round <= rounds; round++) {
    progress(`loading the list anew under load, round ${round} of ${rounds}`);
    const seconds = quick ? QUICK_LOAD_SECONDS : LOAD_SECONDS;
    stalls.atRest.push((await applyLoad(script, edge.url, seconds, ONE_BY_ONE)).longestMs);
    const [load, loadedSeconds] = await Promise.all([
      applyLoad(script, edge.url, seconds, ONE_BY_ONE),
      loadAnew(stage, `bench-${round}`),
    ]);
    stalls.loading.push(load.longestMs);
    loads.push(loadedSeconds);
  }
  // What requests leave behind in a worker is no matter of the list.
  await applyLoad(script, empty.url, quick ? QUICK_LOAD_SECONDS : LOAD_SECONDS);
  await applyLoad(script, edge.url, quick ? QUICK_LOAD_SECONDS : LOAD_SECONDS);
  memory.push(
    memoryFigure("edge worker, loaded anew, after requests", privateMb(edge) - privateMb(empty), base),
  );
  progress("killing the worker");
  const respawned = await secondsUntilRespawned(edge);
  return [
    ...memory,
    ...inTurn("s until in force", [
      ["HAProxy: start with the list", [haproxy.seconds]],
      ["edge: from Redis, under load", loads],
      ["edge: a killed worker, from disk", [respawned]],
    ]),
    ...inTurn("ms, longest answer", [
      ["edge: at rest", stalls.atRest],
      ["edge: while a million are loaded anew", stalls.loading],
    ]),
  ];
}

const HAPROXY_MEMORY = "HAProxy";

function memoryFigure(name: string, value: number, base: number | undefined): Measurement {
  const ratio = base === undefined ? 1 : value / base;
  const unit = "MB for 1 M entries";
  return { suite: SUITE, name, value, unit, reference: HAPROXY_MEMORY, ratio, samples: [value] };
}

/** The first is the reference. */
function inTurn(unit: string, rows: [name: string, samples: number[]][]): Measurement[] {
  const [[reference, first] = ["", [1]]] = rows;
  return rows.map(([name, samples]) => {
    const value = median(samples);
    return { suite: SUITE, name, value, unit, reference, ratio: value / median(first), samples };
  });
}

/** What the process has for itself: pages that workers share with their master cost once, however many there are. */
function privateMb({ workerPid }: Running): number {
  const rollup = readFileSync(`/proc/${workerPid}/smaps_rollup`, "utf8");
  const kilobytes = [...rollup.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)].map(([, value]) =>
    Number(value),
  );
  return kilobytes.reduce((sum, value) => sum + value, 0) / 1024;
}

/** A new epoch makes the edge read everything again, into the lists that are in force. */
async function loadAnew(stage: Stage, epoch: string): Promise<number> {
  // Not at the moment in which the load begins.
  await delay(500);
  const redis = new Redis(stage.redisUrl);
  try {
    await redis.set(readyKey(`${EDGE}:`), epoch);
  } finally {
    redis.disconnect();
  }
  const startedMs = performance.now();
  await untilLogged(stage, "the projections were rebuilt");
  await untilLogged(stage, `loaded policy and lists of epoch ${epoch}`);
  return (performance.now() - startedMs) / 1000;
}

async function untilLogged(stage: Stage, words: string): Promise<void> {
  const log = join(stage.home.logs, `${EDGE}.log`);
  const endMs = performance.now() + LOAD_TIMEOUT_MS;
  while (performance.now() < endMs) {
    if (readFileSync(log, "utf8").includes(words)) return;
    await delay(POLL_MS);
  }
  throw new Error(`${log} does not say: ${words}`);
}

async function secondsUntilRespawned(edge: Running): Promise<number> {
  const status = readFileSync(`/proc/${edge.workerPid}/status`, "utf8");
  const master = Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]);
  const startedMs = performance.now();
  process.kill(edge.workerPid, "SIGKILL");
  const endMs = performance.now() + LOAD_TIMEOUT_MS;
  while (performance.now() < endMs) {
    if (childrenOf(master).some((pid) => pid !== edge.workerPid) && (await isReady(edge.url))) {
      return (performance.now() - startedMs) / 1000;
    }
    await delay(POLL_MS);
  }
  throw new Error("no worker took the place of the one that was killed");
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(LOAD_TIMEOUT_MS) }).catch(
    () => undefined,
  );
  await answer?.text();
  return answer?.status === 200;
}
