/**
 * What writing nginx in TypeScript costs: the Lua that lua-gen makes of `generated/gate.ts`, held against
 * `by-hand/gate.lua`, the same logic as one writes it in Lua. nginx answers both by itself, without an upstream, so
 * that as much of a request as possible is the script.
 *
 * Requests per second by wrk, 32 connections, in turn in many short rounds; and processor time of the worker for
 * each request, which other work on the machine disturbs least. Before that, all must have given the same answers.
 *
 * "trace aborts" is measured apart, because writing down what LuaJIT compiles costs time: how often `jit.v` saw it
 * give up on a function or loop of the script under the same load, once it is warm. (While it warms up it tries a
 * function or two alone before it finds the path through all of them, in the script written by hand too.)
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyLoad } from "../proxies/load.ts";
import { cpuTimeUs } from "../proxies/processor.ts";
import { type Measurement, median, type Suite, type SuiteOptions } from "../suite.ts";
import { BY_HAND, type Gate, proveAlike, startGates, writeRequests } from "./gates.ts";

export const luaGenSuite: Suite = {
  name: "lua-gen",
  summary: "generated Lua beside the same logic written by hand: requests/s, CPU, trace aborts",
  run: measure,
};

/**
 * LuaJIT compiles by chance: where its counters overflow first decides which traces there are, and that stays for the
 * life of a worker. So each is started anew a few times.
 */
const FULL = { starts: 5, rounds: 12, roundSeconds: 1, warmUpSeconds: 2 };
const QUICK = { starts: 1, rounds: 2, roundSeconds: 1, warmUpSeconds: 1 };

async function measure({ quick, progress }: SuiteOptions): Promise<Measurement[]> {
  const plan = quick ? QUICK : FULL;
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  try {
    const script = writeRequests(folder);
    progress("counting trace aborts");
    const aborts = await withGates(join(folder, "traced"), true, async (gates) => {
      const counted = [];
      for (const gate of gates) {
        await load(gate.url, script, plan.warmUpSeconds);
        const before = gate.traceAborts().length;
        await load(gate.url, script, plan.roundSeconds);
        counted.push({ name: gate.name, samples: [gate.traceAborts().length - before] });
      }
      return counted;
    });
    const timed: Lane[] = [];
    for (let start = 1; start <= plan.starts; start++) {
      progress(`start ${start} of ${plan.starts}`);
      const lanes = await withGates(join(folder, `timed-${start}`), false, async (gates) => {
        await proveAlike(gates);
        for (const { url } of gates) await load(url, script, plan.warmUpSeconds);
        return await time(gates, script, plan);
      });
      for (const [index, { name, rates, cpuUs }] of lanes.entries()) {
        timed[index] ??= { name, rates: [], cpuUs: [] };
        timed[index].rates.push(...rates);
        timed[index].cpuUs.push(...cpuUs);
      }
    }
    return [
      ...compared(
        "requests/s",
        timed.map(({ name, rates }) => ({ name, samples: rates })),
      ),
      ...compared(
        "µs CPU/request",
        timed.map(({ name, cpuUs }) => ({ name, samples: cpuUs })),
      ),
      ...compared("trace aborts", aborts),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function withGates<T>(
  folder: string,
  logsTraces: boolean,
  work: (gates: Gate[]) => Promise<T>,
): Promise<T> {
  const gates = await startGates(folder, logsTraces);
  try {
    return await work(gates);
  } finally {
    await Promise.all(gates.map((gate) => gate.close()));
  }
}

interface Lane {
  readonly name: string;
  readonly rates: number[];
  readonly cpuUs: number[];
}

async function time(gates: readonly Gate[], script: string, plan: typeof FULL): Promise<Lane[]> {
  const lanes = gates.map((gate) => ({ gate, rates: [] as number[], cpuUs: [] as number[] }));
  for (let round = 1; round <= plan.rounds; round++) {
    // Who comes first changes, so that nobody always follows the same neighbour.
    for (const { gate, rates, cpuUs } of round % 2 === 0 ? lanes : lanes.toReversed()) {
      const before = cpuTimeUs(gate.workerPid);
      const { requests, durationSeconds } = await load(gate.url, script, plan.roundSeconds);
      rates.push(requests / durationSeconds);
      cpuUs.push((cpuTimeUs(gate.workerPid) - before) / requests);
    }
  }
  return lanes.map(({ gate, rates, cpuUs }) => ({ name: gate.name, rates, cpuUs }));
}

async function load(url: string, script: string, seconds: number) {
  const result = await applyLoad(script, url, seconds);
  if (result.failures > 0) throw new Error(`${result.failures} of ${result.requests} requests failed`);
  return result;
}

/** Ratios are taken round by round, between neighbours in time, and what is told is their median. */
function compared(unit: string, rows: readonly { name: string; samples: number[] }[]): Measurement[] {
  const reference = rows.find(({ name }) => name === BY_HAND)?.samples ?? [];
  return rows.map(({ name, samples }) => ({
    suite: "lua-gen",
    name,
    value: median(samples),
    unit,
    reference: BY_HAND,
    ratio: median(samples.map((sample, round) => ratioOf(sample, reference[round] as number))),
    samples,
  }));
}

/** None and none is as good as each other. */
function ratioOf(sample: number, reference: number): number {
  return sample === reference ? 1 : sample / reference;
}
