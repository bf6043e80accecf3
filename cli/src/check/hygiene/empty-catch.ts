import ts from "typescript";
import type { Check } from "../check.ts";
import { lineOf, sourcePaths, visit } from "../tree.ts";

/** A failure that nobody hears of. What is expected is told apart by its code, and everything else rethrown. */
export const noEmptyCatch: Check = {
  name: "no empty catch",
  run: (tree) =>
    sourcePaths(tree).flatMap((path) => {
      const source = tree.syntax(path);
      const places: string[] = [];
      visit(source, (node) => {
        if (ts.isCatchClause(node) && node.block.statements.length === 0) {
          places.push(`${path}:${lineOf(source, node)}`);
        }
      });
      return places.map((place) => ({
        place,
        message: "catches everything and says nothing: tell the expected error apart and rethrow the others",
      }));
    }),
};
