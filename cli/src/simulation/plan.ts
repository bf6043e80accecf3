import type { PartName } from "../system/parts.ts";

export interface SimulationPlan {
  readonly buyers: number;
  readonly stock: number;
  readonly perUser: number;
  /** Admissions a second: over `stock / perSecond` seconds the sale sells. */
  readonly perSecond: number;
  /** Buyers come over so long. */
  readonly spreadSeconds: number;
  readonly seed: number;
  /** Which parts are killed, each once, between the first admission and the last. */
  readonly kills: readonly PartName[];
  readonly connections: number;
  /** The sale is given up after it. */
  readonly patienceSeconds: number;
  readonly say: (text: string) => void;
}
