import type { Tree } from "./tree.ts";

/** One rule about the repository that a machine can hold. It finds everything at once and changes nothing. */
export interface Check {
  readonly name: string;
  run(tree: Tree): Promise<readonly Finding[]> | readonly Finding[];
}

export interface Finding {
  /** Relative to the repository, with `:line` where a line is known; empty when no file is to blame. */
  readonly place: string;
  /** What is wrong, and why it matters or what to do instead. */
  readonly message: string;
}
