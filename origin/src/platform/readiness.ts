import { rmSync, writeFileSync } from "node:fs";

/**
 * How a role that listens nowhere says that it is ready, whatever it logs: by a file, which is there from then on for
 * as long as this process runs. What an earlier one left is removed first. Does nothing when no file is named.
 */
export function readinessIn(file: string): { say(): void; close(): void } {
  if (file === "") return { say: () => {}, close: () => {} };
  const remove = () => rmSync(file, { force: true });
  remove();
  return { say: () => writeFileSync(file, ""), close: remove };
}
