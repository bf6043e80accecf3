import type { Check, Finding } from "../check.ts";
import { sourcePaths } from "../tree.ts";
import { type Import, importsOf } from "./graph.ts";
import { type LayerRule, layerRules, testRules } from "./layer-rules.ts";
import { fillPattern, matchPattern } from "./pattern.ts";

/** Holds every import against the layer rules. */
export const layersHold: Check = {
  name: "imports: layers",
  run: (tree) => {
    const homeless = sourcePaths(tree).filter((path) => ruleFor(path) === undefined);
    return [
      ...homeless.map((place) => ({
        place,
        message: "stands in no layer: give its folder a rule in cli/src/check/imports/layer-rules.ts",
      })),
      ...importsOf(tree).flatMap(faultOf),
    ];
  },
};

function faultOf(one: Import): Finding[] {
  const found = ruleFor(one.from);
  if (found === undefined || isAllowed(one, found)) return [];
  const target = one.to ?? one.specifier;
  return [{ place: `${one.from}:${one.line}`, message: `may not import ${target}: ${found.rule.reason}` }];
}

interface RuleMatch {
  rule: LayerRule;
  names: Record<string, string>;
}

function ruleFor(path: string): RuleMatch | undefined {
  for (const rule of isTest(path) ? testRules : layerRules) {
    const names = matchPattern(rule.files, path);
    if (names !== undefined) return { rule, names };
  }
  return undefined;
}

function isAllowed({ to }: Import, { rule, names }: RuleMatch): boolean {
  if (to === undefined) return rule.packages !== "none";
  return rule.may.some((pattern) => matchPattern(fillPattern(pattern, names), to) !== undefined);
}

function isTest(path: string): boolean {
  return path.endsWith(".test.ts");
}
