/**
 * What the relay adds between a commit and those who read, and how fast it catches up.
 *
 * Catching up is held against zongji alone, decoding the same log in the same run: the relay does that and then
 * renders, compares and writes, so it is to be at least 0.7 × as fast. Beside the rates stands the processor time of
 * each process for a row, which other work on the machine disturbs least: on few cores, Redis and the database's
 * dump thread take their part of the clock.
 *
 * Latencies are of one change at a time, without other writers and with 2,000 commits a second beside it, over two
 * edge workers. Their reference is the time that the commit itself takes.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Home, openHome } from "../../../cli/src/process/home.ts";
import { freePorts } from "../../../cli/src/process/ports.ts";
import { buildEdge, startEdge, writeTokenKeys } from "../proxies/sluice.ts";
import { mintTokens } from "../proxies/tokens.ts";
import { type Measurement, median, type Suite, type SuiteOptions } from "../suite.ts";
import {
  bareZongji,
  type CatchUp,
  type RecordedLog,
  recordHotRows,
  recordNewRows,
  relay,
} from "./catch-up.ts";
import { type Latencies, measureLatencies, PROBE_ID, startLoad } from "./latency.ts";
import { openStage, type Stage } from "./stage.ts";

const SUITE = "relay";
const RATE = "rows/s";
const CPU = "µs CPU/row";
const COMMITS_PER_SECOND = 2_000;
const LOADED_IDS = 10_000;
const FIRST_LOADED_ID = 100_000;

interface Plan {
  readonly rows: number;
  readonly rounds: number;
  readonly samples: number;
}

const FULL: Plan = { rows: 200_000, rounds: 5, samples: 400 };
const QUICK: Plan = { rows: 20_000, rounds: 1, samples: 50 };

export const relaySuite: Suite = {
  name: SUITE,
  summary: "commit → Redis and → every edge worker; catching up beside bare zongji",
  run: measure,
};

async function measure({ quick, progress }: SuiteOptions): Promise<Measurement[]> {
  const plan = quick ? QUICK : FULL;
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  const home = openHome(folder);
  let stage: Stage | undefined;
  try {
    progress("starting database and Redis");
    stage = await openStage(home);
    const latencies = await measureAllLatencies(stage, home, plan, progress);
    return [...latencies, ...(await measureCatchUp(stage, plan, progress))];
  } finally {
    await stage?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureAllLatencies(
  stage: Stage,
  home: Home,
  { rounds, samples }: Plan,
  progress: SuiteOptions["progress"],
): Promise<Measurement[]> {
  await addProducts(stage);
  const relaying = stage.startRelay();
  await relaying.ready;
  const geoDir = join(home.data, "geo");
  progress("building and starting two edge workers");
  await buildEdge(geoDir);
  const [upstreamPort = 0, ...ports] = await freePorts(3);
  const { keysFile } = await mintTokens(Math.floor(Date.now() / 1_000), 1);
  const tokenKeysFile = writeTokenKeys(home, keysFile);
  const parts = { home, upstreamPort, redisUrl: stage.redisUrl, tokenKeysFile, geoDir };
  const edges = await Promise.all(ports.map((port, at) => startEdge(parts, `edge-${at + 1}`, port, "")));
  try {
    const idle: Latencies[] = [];
    const loaded: Latencies[] = [];
    const rates: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      progress(`latencies, round ${round} of ${rounds}`);
      idle.push(await measureLatencies(stage, ports, samples));
      const load = await startLoad(stage.mysqlUrl, COMMITS_PER_SECOND, FIRST_LOADED_ID, LOADED_IDS);
      loaded.push(await measureLatencies(stage, ports, samples));
      rates.push(await load.stop());
    }
    return [
      ...latencyFigures("idle", idle),
      ...latencyFigures(`${Math.round(median(rates))} commits/s`, loaded),
    ];
  } finally {
    for (const edge of edges) await edge.stop();
    await relaying.stop();
  }
}

async function addProducts({ sql }: Stage): Promise<void> {
  const columns = "name, description, price_cents, currency, status, created_at, updated_at";
  const values = "'Tea', REPEAT('About it. ', 10), 100, 'EUR', 'active', NOW(6), NOW(6)";
  await sql.query(`INSERT INTO products (id, ${columns}) SELECT ${PROBE_ID}, ${values}`);
  await sql.query(
    `INSERT INTO products (id, ${columns}) SELECT ${FIRST_LOADED_ID - 1} + seq, ${values} FROM seq_1_to_${LOADED_IDS}`,
  );
  await sql.query(
    `INSERT INTO stock (product_id, total, available, reserved, sold) VALUES (${PROBE_ID}, 9, 9, 0, 0)`,
  );
}

function latencyFigures(when: string, rounds: readonly Latencies[]): Measurement[] {
  const reference = `commit, ${when}, p50`;
  const rows: [name: string, samplesOf: (round: Latencies) => number[], share: number][] = [
    [reference, ({ commitMs }) => commitMs, 0.5],
    [`commit → Redis, ${when}, p50`, ({ redisMs }) => redisMs, 0.5],
    [`commit → Redis, ${when}, p99`, ({ redisMs }) => redisMs, 0.99],
    [`commit → every worker, ${when}, p50`, ({ workersMs }) => workersMs, 0.5],
    [`commit → every worker, ${when}, p99`, ({ workersMs }) => workersMs, 0.99],
  ];
  const base = median(rounds.map(({ commitMs }) => percentile(commitMs, 0.5)));
  return rows.map(([name, samplesOf, share]) => {
    const samples = rounds.map((round) => percentile(samplesOf(round), share));
    const value = median(samples);
    return { suite: SUITE, name, value, unit: "ms", reference, ratio: value / base, samples };
  });
}

export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}

async function measureCatchUp(
  stage: Stage,
  plan: Plan,
  progress: SuiteOptions["progress"],
): Promise<Measurement[]> {
  const figures: Measurement[] = [];
  for (const record of [recordNewRows, recordHotRows]) {
    progress(`writing a log of ${plan.rows} rows`);
    const log = await record(stage, plan.rows);
    const [bare, ours]: [CatchUp[], CatchUp[]] = [[], []];
    for (let round = 1; round <= plan.rounds; round++) {
      progress(`${log.name}, round ${round} of ${plan.rounds}`);
      bare.push(await bareZongji(stage, log));
      ours.push(await relay(stage, log));
    }
    figures.push(...catchUpFigures(log, bare, ours));
  }
  return figures;
}

function catchUpFigures(
  { name }: RecordedLog,
  bare: readonly CatchUp[],
  ours: readonly CatchUp[],
): Measurement[] {
  const reference = `bare zongji, ${name}`;
  const units: [unit: string, of: (one: CatchUp) => number][] = [
    [RATE, ({ rowsPerSecond }) => rowsPerSecond],
    [CPU, ({ cpuUsPerRow }) => cpuUsPerRow],
  ];
  return units.flatMap(([unit, of]) => {
    const base = median(bare.map(of));
    return [
      { name: reference, samples: bare.map(of) },
      { name: `relay into Redis, ${name}`, samples: ours.map(of) },
    ].map(({ name, samples }) => {
      const value = median(samples);
      return { suite: SUITE, name, value, unit, reference, ratio: value / base, samples };
    });
  });
}
