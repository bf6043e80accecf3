/**
 * From the moment in which an operator was told that a change is done until each of four workers decides by it, over
 * one connection to each worker that is asked again and again. The reference is the operator's own request: what is
 * published lies in MySQL by then.
 */
import { childrenOf } from "../proxies/processor.ts";
import { percentile } from "../relay/suite.ts";
import { type Measurement, median } from "../suite.ts";
import type { WholeSystem } from "../whole-system.ts";
import { connectToEach, type WorkerConnection } from "./workers.ts";

const SUITE = "policy";
export const WORKERS = 4;
const ADDRESS = "198.51.100.7";
const ARRIVAL_TIMEOUT_MS = 10_000;

interface Arrival {
  acknowledgedMs: number;
  arrivedMs: number;
}

export async function measurePropagation(system: WholeSystem, samples: number): Promise<Measurement[]> {
  const connections: WorkerConnection[] = [];
  try {
    connections.push(...(await connectToEach(system.settings.ports.edge, childrenOf(system.pidOf("edge")))));
    const before = await ask(system, "GET", "/policy");
    let revision = before.headers.get("etag") as string;
    const publish = async (denied: boolean) => {
      const rule = { id: "deny", match: { cidr: [ADDRESS] }, action: "deny", mode: "enforce" };
      const document = { rules: denied ? [rule] : [], default: "allow" };
      const answer = await ask(system, "PUT", "/policy", document, { "if-match": revision });
      revision = answer.headers.get("etag") as string;
    };
    const rules: Arrival[] = [];
    const bans: Arrival[] = [];
    for (let sample = 0; sample < samples; sample++) {
      const denied = sample % 2 === 0;
      rules.push(await arrival(connections, denied, () => publish(denied)));
      if (!denied) {
        bans.push(await arrival(connections, true, () => ban(system, "POST")));
        bans.push(await arrival(connections, false, () => ban(system, "DELETE")));
      }
    }
    return [...figures("rules published", rules), ...figures("ban set or lifted", bans)];
  } finally {
    for (const connection of connections) connection.close();
  }
}

async function arrival(
  connections: readonly WorkerConnection[],
  denied: boolean,
  change: () => Promise<unknown>,
): Promise<Arrival> {
  const startedMs = performance.now();
  const changed = change().then(() => performance.now());
  const arrived = connections.map((connection) => decides(connection, denied ? 403 : 200));
  const [doneMs, ...arrivedMs] = await Promise.all([changed, ...arrived]);
  return {
    acknowledgedMs: doneMs - startedMs,
    // It may be in force before the operator's answer has come back.
    arrivedMs: Math.max(0, Math.max(...arrivedMs) - doneMs),
  };
}

async function decides(connection: WorkerConnection, status: number): Promise<number> {
  const endMs = performance.now() + ARRIVAL_TIMEOUT_MS;
  while (performance.now() < endMs) {
    if ((await connection.ask(ADDRESS)) === status) return performance.now();
  }
  throw new Error(`a change did not reach a worker within ${ARRIVAL_TIMEOUT_MS} ms`);
}

async function ban(system: WholeSystem, method: "POST" | "DELETE"): Promise<void> {
  const body = method === "POST" ? { cidr: ADDRESS, reason: "measured" } : undefined;
  await ask(system, method, method === "POST" ? "/lists/deny" : `/lists/deny?cidr=${ADDRESS}`, body);
}

async function ask(
  { opsUrl, opsToken }: WholeSystem,
  method: string,
  path: string,
  body?: object,
  more: Record<string, string> = {},
): Promise<Response> {
  const headers: Record<string, string> = { authorization: `Bearer ${opsToken}`, ...more };
  if (body !== undefined) headers["content-type"] = "application/json";
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const answer = await fetch(opsUrl + path, { ...init, signal: AbortSignal.timeout(ARRIVAL_TIMEOUT_MS) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} answers ${answer.status} ${text.slice(0, 300)}`);
  return answer;
}

function figures(what: string, arrivals: readonly Arrival[]): Measurement[] {
  const acknowledged = arrivals.map(({ acknowledgedMs }) => acknowledgedMs);
  const arrived = arrivals.map(({ arrivedMs }) => arrivedMs);
  const reference = `${what}: until it is acknowledged`;
  const base = median(acknowledged);
  return [
    { name: reference, value: base, samples: acknowledged },
    { name: `${what}: from there to all ${WORKERS} workers, p50`, value: median(arrived), samples: arrived },
    {
      name: `${what}: from there to all ${WORKERS} workers, p99`,
      value: percentile(arrived, 0.99),
      samples: arrived,
    },
  ].map(({ name, value, samples }) => ({
    suite: SUITE,
    name,
    value,
    unit: "ms",
    reference,
    ratio: value / base,
    samples,
  }));
}
