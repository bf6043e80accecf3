/** One figure, as programs get it by `--json`. */
export interface Measurement {
  suite: string;
  name: string;
  /** The median of the samples. */
  value: number;
  unit: string;
  /** Name of the measurement of the same unit and suite, taken in turn in the same run, that this one is held against. */
  reference: string;
  /** This median by that of the reference, or the median of the ratios that were taken round by round. */
  ratio: number;
  /** In the order in which they were taken. */
  samples: number[];
}

export interface SuiteOptions {
  /** Fewer and shorter rounds: shows that everything runs; its figures are not to be quoted. */
  quick: boolean;
  /**
   * Only rows whose name holds one of these, with their references; all when there are none. Suites whose rows are no
   * contenders measure all.
   */
  only: readonly string[];
  /** Says what is going on; nothing of it is a result. */
  progress(text: string): void;
}

export interface Suite {
  name: string;
  summary: string;
  run(options: SuiteOptions): Promise<Measurement[]>;
}

export function median(samples: readonly number[]): number {
  if (samples.length === 0) throw new Error("a median needs a sample");
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}
