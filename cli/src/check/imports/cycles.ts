import type { Check, Finding } from "../check.ts";
import type { Tree } from "../tree.ts";
import { importsOf } from "./graph.ts";

/**
 * Files that import each other can only be understood, tested and moved together; what a module sees of the
 * other then depends on which was loaded first.
 */
export const noCycles: Check = {
  name: "imports: no cycles",
  run: (tree) =>
    cyclesIn(edgesOf(tree)).map((cycle) => ({
      place: cycle[0] as string,
      message: `imports itself by way of ${[...cycle.slice(1), cycle[0]].join(" → ")}; move what both need into a file of its own`,
    })) satisfies Finding[],
};

function edgesOf(tree: Tree): Map<string, string[]> {
  const edges = new Map<string, string[]>();
  for (const { from, to } of importsOf(tree)) {
    if (to === undefined) continue;
    const targets = edges.get(from);
    if (targets === undefined) edges.set(from, [to]);
    else targets.push(to);
  }
  return edges;
}

/** One cycle for each edge that closes one in a depth-first walk: not all cycles, but none when there is none. */
export function cyclesIn(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const walk = (node: string): void => {
    const at = path.indexOf(node);
    if (at !== -1) {
      cycles.push(path.slice(at));
      return;
    }
    if (done.has(node)) return;
    path.push(node);
    for (const next of edges.get(node) ?? []) walk(next);
    path.pop();
    done.add(node);
  };
  for (const node of edges.keys()) walk(node);
  return cycles;
}
