/**
 * The proxy under test has one core to itself and everything else (load, upstream, Redis) the others, so that
 * what is measured is the proxy and not how three processes share its core. Machines with one core can't.
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

const CORES = availableParallelism();

export type Side = "proxy" | "rest";

/** The command line that runs a command on its side of the processor. */
export function onCores(side: Side, command: string, args: readonly string[]): [string, string[]] {
  if (CORES < 2) return [command, [...args]];
  const cores = side === "proxy" ? `${CORES - 1}` : `0-${CORES - 2}`;
  return ["taskset", ["--cpu-list", cores, command, ...args]];
}

/** Time that a process has spent on processors, microseconds (first field of /proc/<pid>/schedstat, in ns). */
export function cpuTimeUs(pid: number): number {
  const [ns = "0"] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ");
  return Number(ns) / 1000;
}

/** The processes that a process has started and that live. */
export function childrenOf(pid: number): number[] {
  const listed = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return listed === "" ? [] : listed.split(" ").map(Number);
}
