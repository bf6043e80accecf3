import { readFileSync } from "node:fs";
import { childrenOf } from "./proxies/processor.ts";

/** The kernel counts in hundredths of a second on every machine that we know (`getconf CLK_TCK`). */
const US_PER_TICK = 10_000;

/** Processor time of a process, all its threads and the processes that it has started, microseconds. */
export function treeCpuTimeUs(pid: number): number {
  return childrenOf(pid).reduce((sum, child) => sum + treeCpuTimeUs(child), cpuTimeOf(pid));
}

/** Fields 14 and 15 of /proc/<pid>/stat; the name before them is in parentheses and may hold anything. */
function cpuTimeOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * US_PER_TICK;
}
