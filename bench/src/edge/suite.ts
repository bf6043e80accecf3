/**
 * What the edge's checks cost, held against bare nginx.
 *
 * All proxies stand in front of one upstream (nginx, `return 200`), each with one worker, keep-alive on both
 * sides, the client address taken from `X-Forwarded-For` of a trusted peer, and one line of log for each request.
 * wrk keeps 32 connections busy. The proxy under test has a core to itself (see processor.ts).
 *
 * Requests come in turn from 50,000 addresses and, where a token is needed, with those of 1,000 sessions: the
 * edge remembers what it knows of an address and of a token, and one address or one token would flatter it. The
 * row "one address" shows by how much. What is remembered is checked once at its first use, within the warm-up;
 * HAProxy remembers nothing and verifies each token again, and checks no session.
 *
 * Each row is held against bare nginx with the very same requests: a token is half a kilobyte of header that costs
 * every proxy something to read and to pass on.
 *
 * Every row has passed its own proof before it is measured (contender.ts): a good request gets through, a denied
 * address and a forged token do not. A run in which a single request fails is no measurement.
 *
 * Two figures each: requests per second, and processor time of the proxy's worker per request, which other work
 * on the machine disturbs least. Ratios are of medians; less than 1 is slower for the first and cheaper for the
 * second.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Home, openHome } from "../../../cli/src/process/home.ts";
import { type Measurement, median, type Suite, type SuiteOptions } from "../suite.ts";
import { type Contender, verify } from "./contender.ts";
import { type Contenders, startContenders } from "./contenders.ts";
import { applyLoad, type LoadResult, writeScript } from "./load.ts";
import { cpuTimeUs } from "./processor.ts";

const RATE = "requests/s";
const CPU = "µs CPU/request";

export const edgeSuite: Suite = {
  name: "edge",
  summary: "bare nginx, the edge feature by feature, HAProxy: requests/s and CPU per request",
  run: measure,
};

/** A contender and what was measured of it. */
interface Lane {
  contender: Contender;
  script: string;
  rates: number[];
  cpuUs: number[];
}

interface Plan {
  rounds: number;
  roundSeconds: number;
  warmUpSeconds: number;
}

const FULL: Plan = { rounds: 11, roundSeconds: 2, warmUpSeconds: 3 };
const QUICK: Plan = { rounds: 2, roundSeconds: 1, warmUpSeconds: 1 };

async function measure({ quick, progress }: SuiteOptions): Promise<Measurement[]> {
  const plan = quick ? QUICK : FULL;
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  const home = openHome(folder);
  let contenders: Contenders | undefined;
  try {
    progress("starting the proxies, Redis and the upstream");
    contenders = await startContenders(home, join(home.data, "geo.bin"));
    return await measureAll(contenders.all, home, plan, progress);
  } finally {
    await contenders?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureAll(
  contenders: readonly Contender[],
  home: Home,
  plan: Plan,
  progress: SuiteOptions["progress"],
): Promise<Measurement[]> {
  const lanes: Lane[] = contenders.map((contender, index) => ({
    contender,
    script: writeScript(home.data, `requests-${index}`, contender.requests),
    rates: [],
    cpuUs: [],
  }));
  for (const { contender, script } of lanes) {
    progress(`proving and warming up ${contender.name}`);
    await verify(contender);
    await load(contender, script, plan.warmUpSeconds);
  }
  for (let round = 1; round <= plan.rounds; round++) {
    progress(`round ${round} of ${plan.rounds}`);
    // Each round begins elsewhere, so that nobody always follows the same neighbour.
    const turned = [...lanes.slice(round % lanes.length), ...lanes.slice(0, round % lanes.length)];
    for (const { contender, script, rates, cpuUs } of turned) {
      const before = cpuTimeUs(contender.workerPid);
      const { requests, durationSeconds } = await load(contender, script, plan.roundSeconds);
      rates.push(requests / durationSeconds);
      cpuUs.push((cpuTimeUs(contender.workerPid) - before) / requests);
    }
  }
  return [...compared(RATE, lanes, ({ rates }) => rates), ...compared(CPU, lanes, ({ cpuUs }) => cpuUs)];
}

async function load({ name, url }: Contender, script: string, seconds: number): Promise<LoadResult> {
  const result = await applyLoad(script, url, seconds);
  if (result.failures > 0)
    throw new Error(`${name}: ${result.failures} of ${result.requests} requests failed`);
  return result;
}

function compared(unit: string, lanes: readonly Lane[], samplesOf: (lane: Lane) => number[]): Measurement[] {
  const medians = new Map(lanes.map((lane) => [lane.contender.name, median(samplesOf(lane))]));
  return lanes.map((lane) => {
    const { name, reference } = lane.contender;
    const value = medians.get(name) as number;
    const ratio = value / (medians.get(reference) as number);
    return { suite: "edge", name, value, unit, reference, ratio, samples: samplesOf(lane) };
  });
}
