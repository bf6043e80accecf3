import type { Check } from "../check.ts";
import { sourcePaths } from "../tree.ts";

const VAGUE = /^(utils?|utilities|helpers?|managers?|common|misc|shared|lib|impl)$/;

/** A vague name is a responsibility that nobody decided. */
export const noVagueNames: Check = {
  name: "names say something",
  run: (tree) =>
    sourcePaths(tree).flatMap((path) =>
      wordsOf(path)
        .filter((word) => VAGUE.test(word))
        .map((word) => ({ place: path, message: `"${word}" says nothing: name what stands in it` })),
    ),
};

function wordsOf(path: string): string[] {
  return path.replace(/(\.test)?\.ts$/, "").split(/[/.-]/);
}
