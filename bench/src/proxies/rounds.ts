/**
 * Contenders under load, in turn, round by round: requests per second, and processor time of the worker for each
 * request, which other work on the machine disturbs least. Ratios are of medians; less than 1 is slower for the first
 * and cheaper for the second.
 */
import type { Home } from "../../../cli/src/process/home.ts";
import { type Measurement, median, type SuiteOptions } from "../suite.ts";
import { type Contender, verify } from "./contender.ts";
import { applyLoad, type LoadResult, writeScript } from "./load.ts";
import { cpuTimeUs } from "./processor.ts";

const RATE = "requests/s";
const CPU = "µs CPU/request";

/** What is answered must not be another thing under load than before it: looked at on so many requests of each lane. */
const PROBES = 40;

export interface Plan {
  rounds: number;
  roundSeconds: number;
  warmUpSeconds: number;
}

export const FULL: Plan = { rounds: 8, roundSeconds: 2, warmUpSeconds: 2 };
export const QUICK: Plan = { rounds: 2, roundSeconds: 1, warmUpSeconds: 1 };

/** A contender and what was measured of it. */
interface Lane {
  contender: Contender;
  script: string;
  /** The request that the next load begins with. */
  next: number;
  rates: number[];
  cpuUs: number[];
}

/**
 * Every contender has passed its own proof before it is measured, and again behind its last round; a single request that
 * fails ends the run.
 */
export async function measureInTurn(
  suite: string,
  contenders: readonly Contender[],
  home: Home,
  { quick, only, progress }: SuiteOptions,
  full = FULL,
): Promise<Measurement[]> {
  const plan = quick ? QUICK : full;
  const lanes: Lane[] = chosen(contenders, only).map((contender, index) => ({
    contender,
    script: writeScript(home.data, `requests-${index}`, contender.requests),
    next: 0,
    rates: [],
    cpuUs: [],
  }));
  for (const lane of lanes) {
    progress(`proving and warming up ${lane.contender.name}`);
    // A limit is used up by then, where one is measured.
    await load(lane, plan.warmUpSeconds);
    await verify(lane.contender);
  }
  for (let round = 1; round <= plan.rounds; round++) {
    progress(`round ${round} of ${plan.rounds}`);
    // Each round begins elsewhere, so that nobody always follows the same neighbour.
    const turned = [...lanes.slice(round % lanes.length), ...lanes.slice(0, round % lanes.length)];
    for (const lane of turned) {
      const before = cpuTimeUs(lane.contender.workerPid);
      const { requests, durationSeconds } = await load(lane, plan.roundSeconds);
      lane.rates.push(requests / durationSeconds);
      lane.cpuUs.push((cpuTimeUs(lane.contender.workerPid) - before) / requests);
    }
  }
  for (const lane of lanes) {
    await load(lane, plan.roundSeconds);
    await verify(lane.contender, PROBES);
  }
  return [
    ...compared(suite, RATE, lanes, ({ rates }) => rates),
    ...compared(suite, CPU, lanes, ({ cpuUs }) => cpuUs),
  ];
}

/** Those whose name holds some of the words, each with its reference. */
function chosen(contenders: readonly Contender[], only: readonly string[]): readonly Contender[] {
  if (only.length === 0) return contenders;
  const asked = only.flatMap((words) => {
    const found = contenders.filter(({ name }) => name.includes(words));
    if (found.length === 0) throw new Error(`no row is called ${words}`);
    return found;
  });
  return contenders.filter(({ name }) => asked.some((one) => one.name === name || one.reference === name));
}

async function load(lane: Lane, seconds: number): Promise<LoadResult> {
  const { name, url, status, requests } = lane.contender;
  const result = await applyLoad(lane.script, url, seconds, { first: lane.next });
  lane.next = (lane.next + result.requests) % requests.addresses.length;
  const otherwise = status < 400 ? result.refused : result.requests - result.refused;
  if (result.failures + otherwise > 0) {
    throw new Error(
      `${name}: of ${result.requests} requests ${otherwise} were not answered ${status}, ${result.failures} failed`,
    );
  }
  return result;
}

function compared(
  suite: string,
  unit: string,
  lanes: readonly Lane[],
  samplesOf: (lane: Lane) => number[],
): Measurement[] {
  const medians = new Map(lanes.map((lane) => [lane.contender.name, median(samplesOf(lane))]));
  return lanes.map((lane) => {
    const { name, reference } = lane.contender;
    const value = medians.get(name) as number;
    const ratio = value / (medians.get(reference) as number);
    return { suite, name, value, unit, reference, ratio, samples: samplesOf(lane) };
  });
}
