import type { PolicyDocument, PolicyRule } from "@sluice/contract/policy/document.ts";

/** What stands in the later document and not in the earlier one, and the other way round. Rules are known by their ids. */
export interface PolicyDiff {
  readonly default: Changed | undefined;
  readonly added: PolicyRule[];
  readonly removed: PolicyRule[];
  readonly changed: ChangedRule[];
  /** Rules that both have, in another order: their places among the rules that both have, from 0. */
  readonly moved: { readonly id: string; readonly from: number; readonly to: number }[];
}

export interface Changed {
  readonly from: unknown;
  readonly to: unknown;
}

export interface ChangedRule {
  readonly id: string;
  /** By member, conditions as `match.country` and `match.not.country`; undefined where there was or is none. */
  readonly members: (Changed & { readonly member: string })[];
}

export function diffPolicies(earlier: PolicyDocument, later: PolicyDocument): PolicyDiff {
  const before = new Map(earlier.rules.map((rule) => [rule.id, rule]));
  const after = new Map(later.rules.map((rule) => [rule.id, rule]));
  const keptBefore = earlier.rules.filter(({ id }) => after.has(id)).map(({ id }) => id);
  const keptAfter = later.rules.filter(({ id }) => before.has(id)).map(({ id }) => id);
  return {
    default: earlier.default === later.default ? undefined : { from: earlier.default, to: later.default },
    added: later.rules.filter(({ id }) => !before.has(id)),
    removed: earlier.rules.filter(({ id }) => !after.has(id)),
    changed: keptAfter.flatMap((id) => {
      const members = changedMembers(before.get(id) as PolicyRule, after.get(id) as PolicyRule);
      return members.length === 0 ? [] : [{ id, members }];
    }),
    moved: movedAmong(keptBefore, keptAfter),
  };
}

function changedMembers(earlier: PolicyRule, later: PolicyRule): (Changed & { member: string })[] {
  const [from, to] = [membersOf(earlier), membersOf(later)];
  const names = [...new Set([...from.keys(), ...to.keys()])].sort();
  return names
    .filter((name) => JSON.stringify(from.get(name)) !== JSON.stringify(to.get(name)))
    .map((member) => ({ member, from: from.get(member), to: to.get(member) }));
}

/** The rule as a flat list: conditions one by one, all else as it is. */
function membersOf({ match: { not, ...conditions }, ...rule }: PolicyRule): Map<string, unknown> {
  const flat: [string, unknown][] = [
    ...Object.entries(rule),
    ...Object.entries(conditions).map(([name, value]): [string, unknown] => [`match.${name}`, value]),
    ...Object.entries(not ?? {}).map(([name, value]): [string, unknown] => [`match.not.${name}`, value]),
  ];
  return new Map(flat);
}

/** As few as explain the new order: those outside of the longest run that stayed in order. */
function movedAmong(before: readonly string[], after: readonly string[]) {
  const placeBefore = new Map(before.map((id, place) => [id, place]));
  const places = after.map((id) => placeBefore.get(id) as number);
  const stayed = longestIncreasing(places);
  return after.flatMap((id, to) => {
    const from = places[to] as number;
    return stayed.has(from) ? [] : [{ id, from, to }];
  });
}

/** Patience sorting: for each length, the smallest number that a run of that length can end in. */
function longestIncreasing(numbers: readonly number[]): Set<number> {
  const ends: number[] = [];
  const previous = new Map<number, number | undefined>();
  for (const number of numbers) {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] as number) < number) low = middle + 1;
      else high = middle;
    }
    previous.set(number, ends[low - 1]);
    ends[low] = number;
  }
  const run = new Set<number>();
  for (let at = ends.at(-1); at !== undefined; at = previous.get(at)) run.add(at);
  return run;
}
