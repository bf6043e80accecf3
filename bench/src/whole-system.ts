/** The whole system, with what benchmarks need of it: one edge worker, and the processor time of everything. */
import { PARTS } from "../../cli/src/system/parts.ts";
import { startThrowawaySystem, type ThrowawaySystem } from "../../cli/src/system/throwaway.ts";
import { treeCpuTimeUs } from "./process-tree.ts";

export interface WholeSystem extends ThrowawaySystem {
  /** POST on the operators' listener; throws unless it is answered by 2xx. */
  operator(path: string, body: object): Promise<Record<string, unknown>>;
  /** Processor time of all its processes so far, microseconds. */
  cpuTimeUs(): number;
  /** Throws with what is broken. */
  auditIsClean(): Promise<void>;
}

export async function startWholeSystem(settings: Record<string, string>): Promise<WholeSystem> {
  const system = await startThrowawaySystem({ EDGE_WORKERS: "1", ...settings });
  return {
    ...system,
    operator: (path, body) =>
      post(system.opsUrl + path, body, { authorization: `Bearer ${system.opsToken}` }),
    cpuTimeUs: () => PARTS.reduce((sum, part) => sum + treeCpuTimeUs(system.pidOf(part)), 0),
    auditIsClean: async () => {
      const { code, output } = await system.sluice("audit");
      if (code !== 0) throw new Error(`the audit ended with ${code}:\n${output}`);
    },
  };
}

const ANSWER_TIMEOUT_MS = 20_000;

/** Posts JSON; throws unless it is answered by 2xx. */
export async function post(
  url: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status} ${text.slice(0, 300)}`);
  return JSON.parse(text) as Record<string, unknown>;
}
