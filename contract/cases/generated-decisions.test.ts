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
/** And what each means, said once more. */
const PATTERNS: Record<string, RegExp> = {
  "/a": /^\/a$/,
  "/a/*": /^\/a\/[^/]+$/,
  "/*/b": /^\/[^/]+\/b$/,
  "/a/**": /^\/a(\/.*)?$/s,
  "/*/**": /^\/[^/]+(\/.*)?$/s,
  "/**": /^\//,
  "/*/": /^\/[^/]+\/$/,
};
const CONTINENTS = { DE: "EU", FR: "EU", US: "NA", ZZ: "ZZ" } as Record<string, string>;
/** Unknown, of 16 and of 32 bits. */
const ASNS = [0, 64_500, 4_200_000_000];
const HOSTS = ["a.example", "b.a.example", "example", ""];
const HOST_PATTERNS = ["a.example", "*.a.example", "*.example", "example"];
/** As text and in milliseconds: before, at and after the moment of the decision. */
const ENDS: Record<string, number> = {
  "1970-01-01T00:00:00.999Z": 999,
  "1970-01-01T00:00:01Z": 1000,
  "1970-01-01T00:00:01.001Z": 1001,
};

interface Listed {
  list: "allow" | "deny";
  block: string;
  endMs: number;
}

interface Rule {
  action: "allow" | "deny" | "limit";
  mode: "enforce" | "observe";
  status: "-" | "404" | "451";
  countries: string[];
  methods: string[];
  prefix: string;
  patterns: string[];
  endsAt: string;
  is: Place;
  not: Place;
}

/** Empty where nothing is asked. */
interface Place {
  continents: string[];
  asns: number[];
  blocks: string[];
  hosts: string[];
}

interface Request {
  address: string;
  country: string;
  asn: number;
  method: string;
  path: string;
  host: string;
}

/** An empty choice stands for "any". */
const some = <Value>(values: Value[]): fc.Arbitrary<Value[]> =>
  fc.oneof(fc.constant<Value[]>([]), fc.subarray(values, { minLength: 1 }));

const listed: fc.Arbitrary<Listed> = fc.record({
  list: fc.constantFrom("allow", "deny"),
  block: anyBlock,
  endMs: fc.constantFrom(0, NOW_MS - 1, NOW_MS, NOW_MS + 1),
});
const place: fc.Arbitrary<Place> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Place>({ continents: [], asns: [], blocks: [], hosts: [] }) },
  {
    weight: 1,
    arbitrary: fc.record({
      continents: some(["EU", "NA", "ZZ"]),
      asns: some(ASNS),
      blocks: fc.oneof(fc.constant<string[]>([]), fc.array(anyBlock, { minLength: 1, maxLength: 3 })),
      hosts: some(HOST_PATTERNS),
    }),
  },
);
const rule: fc.Arbitrary<Rule> = fc.record({
  action: fc.constantFrom("allow", "deny", "limit"),
  mode: fc.constantFrom("enforce", "observe"),
  status: fc.constantFrom("-", "404", "451"),
  countries: some(COUNTRIES),
  methods: some(METHODS),
  prefix: fc.constantFrom("", ...PREFIXES),
  patterns: some(Object.keys(PATTERNS)),
  endsAt: fc.constantFrom("", "", ...Object.keys(ENDS)),
  is: place,
  not: place,
});
const request: fc.Arbitrary<Request> = fc.record({
  address: closeAddress(),
  country: fc.constantFrom(...COUNTRIES),
  asn: fc.constantFrom(...ASNS, 64_501),
  method: fc.constantFrom(...METHODS),
  path: fc.constantFrom(...PREFIXES, "/ab", "/äöü", "/a/", "/a/b/", "/a/b/c", "/x/b", "/x/", ""),
  host: fc.constantFrom(...HOSTS),
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
      ...rules.flatMap(ruleQuestions),
      `default\t${fallback}`,
      ...requests.map(({ address, country, asn, method, path, host }) =>
        ["decide", address, country, method, path, NOW_MS, host, asn].join("\t"),
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

function ruleQuestions(given: Rule, index: number): string[] {
  const { action, mode, status, countries, methods, prefix, patterns, endsAt } = given;
  const written = [countries, methods].map((values) => (values.length === 0 ? "-" : values.join(",")));
  const first = ["rule", `rule-${index}`, action, mode, status, ...written, prefix === "" ? "-" : prefix];
  const conditions = (["is", "not"] as const).flatMap((side) => [
    ["where", side, "continent", given[side].continents.join(",")],
    ["where", side, "asn", given[side].asns.join(",")],
    ["where", side, "cidr", given[side].blocks.join(",")],
    ["where", side, "host", given[side].hosts.join(",")],
  ]);
  const limit = action === "limit" ? [["limit", "address", "1", "1", "-"]] : [];
  conditions.push(["where", "is", "path", patterns.join(",")]);
  const ends = endsAt === "" ? [] : [["ends", endsAt]];
  return [first, ...conditions.filter((words) => words.at(-1) !== ""), ...limit, ...ends].map((words) =>
    words.join("\t"),
  );
}

function verdictOf({ lists, rules, fallback }: Scenario, one: Request): string {
  if (isListed(lists, "allow", one.address)) return "allow 0 allow-list ";
  if (isListed(lists, "deny", one.address)) return "deny 403 deny-list ";
  const at = rules.findIndex(
    (candidate) => candidate.mode === "enforce" && candidate.action !== "limit" && matches(candidate, one),
  );
  const passed = rules.flatMap((candidate, index) =>
    (at === -1 || index < at) && candidate.action === "limit" && matches(candidate, one)
      ? [` +rule-${index}`]
      : [],
  );
  return `${decided(rules, at, fallback)}${passed.join("")}`;
}

function decided(rules: readonly Rule[], at: number, fallback: string): string {
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

function matches({ countries, methods, prefix, patterns, endsAt, is, not }: Rule, one: Request): boolean {
  return (
    (countries.length === 0 || countries.includes(one.country)) &&
    (methods.length === 0 ||
      methods.includes(one.method) ||
      (one.method === "HEAD" && methods.includes("GET"))) &&
    one.path.startsWith(prefix) &&
    (patterns.length === 0 || patterns.some((pattern) => PATTERNS[pattern]?.test(one.path))) &&
    (endsAt === "" || NOW_MS < (ENDS[endsAt] as number)) &&
    holding(is, one).every((holds) => holds !== false) &&
    !holding(not, one).includes(true)
  );
}

/** Of each condition about the place whether it holds; undefined when it is not asked. */
function holding({ continents, asns, blocks, hosts }: Place, one: Request): (boolean | undefined)[] {
  return [
    continents.length === 0 ? undefined : continents.includes(CONTINENTS[one.country] as string),
    asns.length === 0 ? undefined : asns.includes(one.asn),
    blocks.length === 0 ? undefined : longestMatch(blocks, one.address) !== -1,
    hosts.length === 0 ? undefined : hosts.some((pattern) => isBelow(pattern, one.host)),
  ];
}

function isBelow(pattern: string, host: string): boolean {
  return pattern.startsWith("*") ? host.endsWith(pattern.slice(1)) : host === pattern;
}
