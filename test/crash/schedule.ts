import { createHash } from "node:crypto";
import type { PartName } from "../../cli/src/system/parts.ts";

export const victims = [
  "api",
  "worker",
  "relay",
  "edge",
  "redis",
  "rabbitmq",
  "mysql",
] as const satisfies PartName[];
export type Victim = (typeof victims)[number];

/** Parts that the others reach through a place of ours, which can be cut. */
export const cuttable = ["api", "redis", "rabbitmq", "mysql"] as const satisfies Victim[];
export type Cuttable = (typeof cuttable)[number];

export type Fault =
  | { readonly kind: "kill"; readonly victim: Victim }
  /** SIGSTOP to the whole process group, and SIGCONT. */
  | { readonly kind: "pause"; readonly victim: Victim; readonly forMs: number }
  /** Nothing passes any more, and no connection breaks: what a lost cable looks like. */
  | { readonly kind: "silence"; readonly victim: Cuttable; readonly forMs: number }
  /** Every connection breaks, and no new one comes about. */
  | { readonly kind: "cut off"; readonly victim: Cuttable; readonly forMs: number };

export interface Round {
  /** Load goes on for so long before the fault. */
  readonly afterMs: number;
  readonly fault: Fault;
}

const afterMsMax = 500;
const faultMsMin = 200;
const faultMsMax = 1_500;

/** The rounds that a seed stands for: the same ones whenever it is given again. */
export function schedule(seed: number, rounds: number): Round[] {
  const random = randomFrom(seed);
  const below = (max: number) => Math.floor(random() * max);
  const oneOf = <T>(all: readonly T[]) => all[below(all.length)] as T;
  return Array.from({ length: rounds }, () => {
    const kind = oneOf(["kill", "kill", "pause", "silence", "cut off"] as const);
    const forMs = faultMsMin + below(faultMsMax - faultMsMin);
    const afterMs = below(afterMsMax);
    if (kind === "kill") return { afterMs, fault: { kind, victim: oneOf(victims) } };
    if (kind === "pause") return { afterMs, fault: { kind, victim: oneOf(victims), forMs } };
    return { afterMs, fault: { kind, victim: oneOf(cuttable), forMs } };
  });
}

export function describeFault(fault: Fault): string {
  return fault.kind === "kill"
    ? `kill -9 ${fault.victim}`
    : `${fault.kind} ${fault.victim} for ${fault.forMs} ms`;
}

/** Numbers in [0, 1), the same ones for the same seed. */
export function randomFrom(seed: number): () => number {
  let drawn = 0;
  return () => {
    drawn += 1;
    return createHash("sha256").update(`${seed} ${drawn}`).digest().readUInt32BE() / 2 ** 32;
  };
}
