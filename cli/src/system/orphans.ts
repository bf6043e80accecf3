import type { Home } from "../process/home.ts";
import { recordedNames, removeRecord } from "../process/record.ts";
import { stopRecorded } from "../process/stop-recorded.ts";
import { stopEpmd } from "../services/rabbitmq.ts";
import type { Ports } from "../settings.ts";
import { STAGES, stopSignalOf } from "./parts.ts";

const GRACE_MS = 10_000;

/**
 * Stops what a supervisor that was killed has left running, in the order of an orderly stop. Only for who
 * holds the lock, or knows that no supervisor lives. Returns the names of what was stopped.
 */
export async function stopOrphans(home: Home, ports: Ports): Promise<string[]> {
  const recorded = recordedNames(home).filter((name) => name !== "supervisor");
  const staged: string[] = STAGES.flat();
  const steps = recorded.filter((name) => !staged.includes(name));
  const stopped: string[] = [];
  for (const stage of [steps, ...STAGES.toReversed()]) {
    const here = stage.filter((name) => recorded.includes(name));
    const results = await Promise.all(
      here.map((name) => stopRecorded(home, name, GRACE_MS, stopSignalOf(name))),
    );
    stopped.push(...here.filter((_, index) => results[index]));
  }
  if (recorded.includes("rabbitmq")) await stopEpmd(ports.rabbitmqEpmd);
  removeRecord(home, "supervisor");
  return stopped;
}
