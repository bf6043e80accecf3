import {
  allHoldOfCountry,
  allHoldOfPath,
  anyHoldsOfCountry,
  anyHoldsOfPath,
  asksForPath,
  type CompiledConditions,
} from "./conditions.ts";

/**
 * Which rules a request can match, by what few values say of it: the path, the country, the method. Found once for
 * each such kind of request and kept, so that a thousand rules about other countries and other paths cost a request
 * nothing. What differs from request to request (address, host, time) is asked of the few rules that are left.
 *
 * Paths that the same path conditions match are one class: a policy has few classes, however many paths are asked for.
 */
export interface RuleSelections<Rule extends SelectableRule> {
  readonly rules: readonly Rule[];
  /** Those with a condition about the path. */
  readonly aboutPaths: readonly Rule[];
  /** Methods that some rule names; all others are of one kind. */
  readonly methods: NamedMethods;
  byPath: Record<string, PathClass<Rule> | undefined>;
  pathCount: number;
  byMatches: Record<string, PathClass<Rule> | undefined>;
  classCount: number;
}

type NamedMethods = Record<string, boolean | undefined>;

export interface SelectableRule {
  /** All of them must hold. */
  where: CompiledConditions;
  /** None of them may hold. */
  whereNot: CompiledConditions | undefined;
}

interface PathClass<Rule> {
  /** Tells an entry of ours from what every JavaScript object inherits, `constructor` for one. */
  made: true;
  byCountry: Record<string, CountryClass<Rule> | undefined>;
}

interface CountryClass<Rule> {
  made: true;
  byMethod: Record<string, RuleSelection<Rule> | undefined>;
}

export interface RuleSelection<Rule> {
  made: true;
  /** In order. */
  rules: Rule[];
  /** Without those that ask for an address of some block, for requests from an address that no rule names. */
  fromElsewhere: Rule[];
}

/** Paths that are remembered; when there are more, all are forgotten. */
const PATHS_MAX = 4_096;
const CLASSES_MAX = 256;
/** No method is called so. */
const OTHER_METHOD = "";

export function createRuleSelections<Rule extends SelectableRule>(
  rules: readonly Rule[],
): RuleSelections<Rule> {
  const methods: NamedMethods = {};
  const aboutPaths: Rule[] = [];
  for (const rule of rules) {
    noteMethods(methods, rule.where);
    if (rule.whereNot !== undefined) noteMethods(methods, rule.whereNot);
    if (asksForPath(rule.where) || (rule.whereNot !== undefined && asksForPath(rule.whereNot))) {
      aboutPaths.push(rule);
    }
  }
  return { rules, aboutPaths, methods, byPath: {}, pathCount: 0, byMatches: {}, classCount: 0 };
}

/** @hot */
export function selectRules<Rule extends SelectableRule>(
  selections: RuleSelections<Rule>,
  country: string,
  method: string,
  path: string,
): RuleSelection<Rule> {
  const key = selections.aboutPaths.length === 0 ? "" : path;
  const kind = selections.methods[method] === true ? method : OTHER_METHOD;
  const pathClass = selections.byPath[key];
  if (pathClass !== undefined && pathClass.made === true) {
    const countryClass = pathClass.byCountry[country];
    if (countryClass !== undefined && countryClass.made === true) {
      const selection = countryClass.byMethod[kind];
      if (selection !== undefined && selection.made === true) return selection;
    }
  }
  return makeSelection(selections, country, kind, key);
}

/** Whether a request of that country, method and path can match. */
export function canMatch(rule: SelectableRule, country: string, method: string, path: string): boolean {
  const { where, whereNot } = rule;
  if (!allHoldOfCountry(where, country) || !allHoldOfPath(where, path)) return false;
  if (where.methods !== undefined && where.methods[method] !== true) return false;
  if (whereNot === undefined) return true;
  if (anyHoldsOfCountry(whereNot, country) || anyHoldsOfPath(whereNot, path)) return false;
  return whereNot.methods === undefined || whereNot.methods[method] !== true;
}

function makeSelection<Rule extends SelectableRule>(
  selections: RuleSelections<Rule>,
  country: string,
  method: string,
  path: string,
): RuleSelection<Rule> {
  const pathClass = classOf(selections, path);
  let countryClass = pathClass.byCountry[country];
  if (countryClass === undefined || countryClass.made !== true) {
    countryClass = { made: true, byMethod: {} };
    pathClass.byCountry[country] = countryClass;
  }
  const known = countryClass.byMethod[method];
  if (known !== undefined && known.made === true) return known;
  const selection: RuleSelection<Rule> = { made: true, rules: [], fromElsewhere: [] };
  for (const rule of selections.rules) {
    if (canMatch(rule, country, method, path)) {
      selection.rules.push(rule);
      if (rule.where.blocks === undefined) selection.fromElsewhere.push(rule);
    }
  }
  countryClass.byMethod[method] = selection;
  return selection;
}

function classOf<Rule extends SelectableRule>(
  selections: RuleSelections<Rule>,
  path: string,
): PathClass<Rule> {
  const known = selections.byPath[path];
  if (known !== undefined && known.made === true) return known;
  let matches = "";
  for (const { where, whereNot } of selections.aboutPaths) {
    const isNot = whereNot !== undefined && anyHoldsOfPath(whereNot, path);
    matches += allHoldOfPath(where, path) && !isNot ? "1" : "0";
  }
  let pathClass = selections.byMatches[matches];
  if (pathClass === undefined || pathClass.made !== true) {
    if (selections.classCount >= CLASSES_MAX) {
      selections.byMatches = {};
      selections.classCount = 0;
    }
    pathClass = { made: true, byCountry: {} };
    selections.byMatches[matches] = pathClass;
    selections.classCount += 1;
  }
  if (selections.pathCount >= PATHS_MAX) {
    selections.byPath = {};
    selections.pathCount = 0;
  }
  selections.byPath[path] = pathClass;
  selections.pathCount += 1;
  return pathClass;
}

function noteMethods(methods: NamedMethods, { methods: named }: CompiledConditions): void {
  if (named === undefined) return;
  for (const method in named) methods[method] = true;
}
