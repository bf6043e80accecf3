/**
 * From the moment in which an operator asks for a session's end to the moment in which each of four edge workers has
 * refused its token: over MySQL, Redis and the change stream, in the whole system. Each worker is asked over a connection
 * of its own, one request behind the other, so a request's time is in it. The reference is when the operator has the
 * answer.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Measurement, median, type SuiteOptions } from "../suite.ts";
import { post, startWholeSystem, type WholeSystem } from "../whole-system.ts";
import { connectToEveryWorker, type WorkerConnection } from "./worker-connections.ts";

const WORKERS = 4;
const PATH = "/orders";
const SAMPLES = 150;
const SAMPLES_QUICK = 10;
/** Of a session that never ends: this is no measurement any more. */
const refusedWithinMs = 10_000;

export async function measureRevocations({ quick, progress }: SuiteOptions): Promise<Measurement[]> {
  progress(`starting the whole system, ${WORKERS} edge workers`);
  const system = await startWholeSystem({ EDGE_WORKERS: String(WORKERS) });
  const workers: WorkerConnection[] = [];
  try {
    workers.push(...(await connectToEveryWorker(system.pidOf("edge"), system.edgeUrl)));
    const credentials = { username: "revoked", password: "a phrase for the benchmark" };
    await post(`${system.edgeUrl}/auth/register`, credentials);
    const answered: number[] = [];
    const refused: number[] = [];
    const samples = quick ? SAMPLES_QUICK : SAMPLES;
    progress(`ending ${samples} sessions`);
    for (let sample = 0; sample < samples; sample++) {
      const { accessToken } = await post(`${system.edgeUrl}/auth/login`, credentials);
      const times = await revokeOne(system, workers, String(accessToken));
      answered.push(times.answeredMs);
      refused.push(times.refusedMs);
      // Not in step with anything that happens at intervals.
      await delay(Math.random() * 10);
    }
    return [...figures("p50", answered, refused, median), ...figures("p99", answered, refused, p99)];
  } finally {
    for (const worker of workers) worker.close();
    await system.close();
  }
}

async function revokeOne(
  system: WholeSystem,
  workers: readonly WorkerConnection[],
  token: string,
): Promise<{ answeredMs: number; refusedMs: number }> {
  const headers = { authorization: `Bearer ${token}` };
  for (const { get, pid } of workers) {
    // The second time it is known.
    for (const _ of [1, 2]) {
      const status = await get(PATH, headers);
      if (status !== 200) throw new Error(`worker ${pid} answers ${status} before the revocation`);
    }
  }
  const sessionId = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).sid;
  const startedMs = performance.now();
  const [answeredMs, ...refusedMs] = await Promise.all([
    system.operator("/sessions/revoke", { sessionId }).then(() => performance.now() - startedMs),
    ...workers.map((worker) => refusedAfter(worker, headers, startedMs)),
  ]);
  return { answeredMs, refusedMs: Math.max(...refusedMs) };
}

async function refusedAfter(
  { get, pid }: WorkerConnection,
  headers: Record<string, string>,
  startedMs: number,
): Promise<number> {
  for (;;) {
    const status = await get(PATH, headers);
    const ms = performance.now() - startedMs;
    if (status === 401) return ms;
    if (status !== 200) throw new Error(`worker ${pid} answers ${status}`);
    if (ms > refusedWithinMs) throw new Error(`worker ${pid} still lets it pass`);
    // What is measured takes place on the same cores.
    await delay(1);
  }
}

function p99(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.99) - 1] as number;
}

function figures(
  which: string,
  answered: number[],
  refused: number[],
  of: (samples: readonly number[]) => number,
): Measurement[] {
  const reference = `revocation, ${which}: the operator is answered`;
  const one = (name: string, samples: number[]): Measurement => ({
    suite: "token",
    name,
    value: of(samples),
    unit: "ms",
    reference,
    ratio: of(samples) / of(answered),
    samples,
  });
  return [one(reference, answered), one(`revocation, ${which}: all ${WORKERS} workers refuse`, refused)];
}
