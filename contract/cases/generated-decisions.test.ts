/** Decisions about generated policies and lists, held against the order of decision as the design states it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { anyBlock, closeAddress, holds } from "./arbitraries.ts";
import { inEveryRuntime } from "./in-every-runtime.ts";
import { keyOf, longestMatch } from "./plain-model.ts";

const { agree } = inEveryRuntime();

const NOW_MS = 1000;
const COUNTRIES = ["DE", "FR", "US", "ZZ"];
const METHODS = ["GET", "HEAD", "POST", "DELETE"];
const PREFIXES = ["/", "/a", "/a/b", "/ä", "/a b"];

interface Listed {
  list: "allow" | "deny";
  block: string;
  endMs: number;
}

interface Rule {
  action: "allow" | "deny";
  mode: "enforce" | "observe";
  status: "-" | "404" | "451";
  countries: string[];
  methods: string[];
  prefix: string;
}

interface Request {
  address: string;
  country: string;
  method: string;
  path: string;
}

/** An empty choice stands for "any". */
const some = (values: string[]): fc.Arbitrary<string[]> =>
  fc.oneof(fc.constant<string[]>([]), fc.subarray(values, { minLength: 1 }));

const listed: fc.Arbitrary<Listed> = fc.record({
  list: fc.constantFrom("allow", "deny"),
  block: anyBlock,
  endMs: fc.constantFrom(0, NOW_MS - 1, NOW_MS, NOW_MS + 1),
});
const rule: fc.Arbitrary<Rule> = fc.record({
  action: fc.constantFrom("allow", "deny"),
  mode: fc.constantFrom("enforce", "observe"),
  status: fc.constantFrom("-", "404", "451"),
  countries: some(COUNTRIES),
  methods: some(METHODS),
  prefix: fc.constantFrom("", ...PREFIXES),
});
const request: fc.Arbitrary<Request> = fc.record({
  address: closeAddress(),
  country: fc.constantFrom(...COUNTRIES),
  method: fc.constantFrom(...METHODS),
  path: fc.constantFrom(...PREFIXES, "/ab", "/äöü", ""),
});
const scenario = fc.record({
  lists: fc.array(listed, { maxLength: 4 }),
  rules: fc.array(rule, { maxLength: 6 }),
  fallback: fc.constantFrom("allow", "deny"),
  requests: fc.array(request, { minLength: 1, maxLength: 6 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never;

test("all decide as the design says, and by the same steps", async (t) => {
  await holds(t, scenario, async (given) => {
    const { lists, rules, fallback, requests } = given;
    const answers = await agree([
      ...lists.map(({ list, block, endMs }) => `list\t${list}\t${block}\t1\t${endMs}`),
      ...rules.map(ruleQuestion),
      `default\t${fallback}`,
      ...requests.map(({ address, country, method, path }) =>
        ["decide", address, country, method, path, NOW_MS].join("\t"),
      ),
      "observed",
    ]);
    const verdicts = answers.slice(-requests.length - 1, -1).map((line) => line.split("|")[0]);
    assert.deepEqual(
      verdicts,
      requests.map((one) => verdictOf(given, one)),
    );
  });
});

function ruleQuestion({ action, mode, status, countries, methods, prefix }: Rule, index: number): string {
  const written = [countries, methods].map((values) => (values.length === 0 ? "-" : values.join(",")));
  return ["rule", `rule-${index}`, action, mode, status, ...written, prefix === "" ? "-" : prefix].join("\t");
}

function verdictOf({ lists, rules, fallback }: Scenario, one: Request): string {
  if (isListed(lists, "allow", one.address)) return "allow 0 allow-list ";
  if (isListed(lists, "deny", one.address)) return "deny 403 deny-list ";
  const at = rules.findIndex((candidate) => candidate.mode === "enforce" && matches(candidate, one));
  const found = rules[at];
  if (found === undefined) return fallback === "allow" ? "allow 0 default " : "deny 403 default ";
  const status = found.status === "-" ? "403" : found.status;
  return found.action === "allow" ? `allow 0 rule rule-${at}` : `deny ${status} rule rule-${at}`;
}

/** Some block that holds the address is in force; of two entries for one block the later has replaced the other. */
function isListed(lists: readonly Listed[], list: Listed["list"], address: string): boolean {
  const byBlock = new Map<string, Listed>();
  for (const entry of lists) if (entry.list === list) byBlock.set(keyOf(entry.block), entry);
  return [...byBlock.values()].some(
    ({ block, endMs }) => (endMs === 0 || NOW_MS < endMs) && longestMatch([block], address) === 0,
  );
}

function matches({ countries, methods, prefix }: Rule, one: Request): boolean {
  return (
    (countries.length === 0 || countries.includes(one.country)) &&
    (methods.length === 0 ||
      methods.includes(one.method) ||
      (one.method === "HEAD" && methods.includes("GET"))) &&
    one.path.startsWith(prefix)
  );
}
