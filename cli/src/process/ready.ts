/**
 * Ready means that the service itself has answered, never that some time has passed. The probe is asked
 * again every 50 ms until it succeeds, the process ends, or the bound is reached.
 */
import { setTimeout as delay } from "node:timers/promises";
import { failure, type OwnedProcess } from "./owned-process.ts";

const ASK_AGAIN_MS = 50;

export async function untilReady(
  owned: OwnedProcess,
  timeoutMs: number,
  probe: () => Promise<void>,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    if (owned.hasExited()) throw failure(owned, `did not start: ${await owned.exited}`, last);
    try {
      await probe();
      owned.markReady();
      return;
    } catch (error) {
      last = error;
    }
    await Promise.race([owned.exited, delay(ASK_AGAIN_MS, undefined)]);
  }
  const reason = last instanceof Error ? last.message : String(last);
  await owned.stop();
  throw failure(owned, `did not start: not ready within ${timeoutMs / 1000} s (${reason})`, last);
}
