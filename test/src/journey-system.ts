import assert from "node:assert/strict";
import { type System, type SystemOptions, startSystem } from "./system.ts";

let running: { options: SystemOptions; system: Promise<System> } | undefined;
let users = 0;

/** One system for all journeys of a process, which ends with the last of them: its start takes longer than they do. */
export async function shareSystem(options: SystemOptions): Promise<System> {
  running ??= { options, system: startSystem(options) };
  assert.deepEqual(options, running.options, "they share a system, so they have to want the same");
  users += 1;
  const system = await running.system;
  return {
    ...system,
    close: async () => {
      users -= 1;
      if (users === 0) await system.close();
    },
  };
}
