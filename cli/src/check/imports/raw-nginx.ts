import ts from "typescript";
import type { Check } from "../check.ts";
import { lineOf, sourcePaths, visit } from "../tree.ts";

/** nginx's Lua API has a place: what a request costs and where it may wait is to be seen in one folder. */
export const nginxHasItsPlace: Check = {
  name: "edge: ngx in its place",
  run: (tree) =>
    sourcePaths(tree)
      .filter((path) => path.startsWith("edge/src/") && !path.startsWith("edge/src/platform/"))
      .flatMap((path) => {
        const source = tree.syntax(path);
        const places: string[] = [];
        visit(source, (node) => {
          if (ts.isIdentifier(node) && node.text === "ngx") places.push(`${path}:${lineOf(source, node)}`);
        });
        return places.map((place) => ({
          place,
          message: "uses ngx: only edge/src/platform does; give what it is for a name there",
        }));
      }),
};
