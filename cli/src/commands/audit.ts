import { askOrigin } from "./ask-origin.ts";

/** Checks every invariant on the live data. Exit code 1 says that one is broken, and the output which. */
export function audit(): Promise<number> {
  return askOrigin("there is no live data to audit", ["audit"]);
}
