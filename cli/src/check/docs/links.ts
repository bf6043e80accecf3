import { dirname, join, normalize } from "node:path";
import type { Check, Finding } from "../check.ts";
import type { Tree } from "../tree.ts";

/** Links between pages and to files: a page that sends its reader nowhere is worse than none. */
export const linksLeadSomewhere: Check = {
  name: "docs: links",
  run: (tree) => tree.paths.filter((path) => path.endsWith(".md")).flatMap((path) => brokenIn(tree, path)),
};

function brokenIn(tree: Tree, page: string): Finding[] {
  return tree
    .read(page)
    .split("\n")
    .flatMap((text, index) =>
      [...text.matchAll(/\]\(([^)\s]+)\)/g)]
        .map((match) => match[1] as string)
        .filter((target) => !/^([a-z]+:|#)/.test(target) && !exists(tree, page, target))
        .map((target) => ({
          place: `${page}:${index + 1}`,
          message: `links to ${target}, which is not there`,
        })),
    );
}

function exists(tree: Tree, page: string, target: string): boolean {
  const path = normalize(join(dirname(page), target.replace(/#.*$/, ""))).replace(/\/$/, "");
  return tree.has(path) || tree.paths.some((known) => known.startsWith(`${path}/`));
}
