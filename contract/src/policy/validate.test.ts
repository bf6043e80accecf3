import assert from "node:assert/strict";
import { test } from "node:test";
import {
  COUNTRIES_PER_RULE_MAX,
  LIMIT_RULES_MAX,
  NOTE_LENGTH_MAX,
  POLICY_INITIAL,
  RULES_MAX,
} from "./document.ts";
import { isPolicyDocument, policyFaults } from "./validate.ts";

const rule = { id: "a", match: {}, action: "deny", mode: "enforce" };
const withRule = (change: object) => ({ rules: [{ ...rule, ...change }], default: "allow" });
const limit = { key: "address", requests: 10, seconds: 60 };
const withLimit = (change: object) => withRule({ action: "limit", limit: { ...limit, ...change } });

const sound: Record<string, unknown> = {
  "what stands before anybody published": POLICY_INITIAL,
  "every member": withRule({
    status: 451,
    note: "why",
    endsAt: "2026-12-31T23:59:59Z",
    match: {
      country: ["DE", "ZZ"],
      continent: ["EU", "ZZ"],
      asn: [0, 64_500, 4_294_967_295],
      cidr: ["10.0.0.0/8", "2001:db8::1"],
      host: ["shop.example", "*.shop.example"],
      method: ["GET"],
      pathPrefix: "/orders",
      path: ["/orders/*/pay", "/admin/**", "/**", "/", "/a/"],
      not: {
        country: ["FR"],
        continent: ["AN"],
        asn: [64_501],
        cidr: ["::/0"],
        host: ["x"],
        method: ["PUT"],
        pathPrefix: "/a",
      },
    },
  }),
  "a limit": withLimit({}),
  "a limit with a burst": withLimit({ key: "user", burst: 1 }),
  "the longest refill": withLimit({ key: "route", requests: 1, seconds: 86_400, burst: 7 }),
  "the longest rule id": withRule({ id: "a".repeat(64) }),
  "as many rules as are allowed": {
    rules: Array.from({ length: RULES_MAX }, (_, index) => ({ ...rule, id: `r${index}` })),
    default: "deny",
  },
};

for (const [name, document] of Object.entries(sound)) {
  test(`takes ${name}`, () => {
    assert.deepEqual(policyFaults(document), []);
    assert.ok(isPolicyDocument(document));
  });
}

const broken: [name: string, document: unknown, pointers: string[]][] = [
  [
    "what is no number of a network",
    withRule({ match: { asn: ["64500", -1, 1.5, 4_294_967_296, 64_500], not: { asn: [] } } }),
    [
      "/rules/0/match/asn/0",
      "/rules/0/match/asn/1",
      "/rules/0/match/asn/2",
      "/rules/0/match/asn/3",
      "/rules/0/match/not/asn",
    ],
  ],
  [
    "path patterns that match nothing or are none",
    withRule({
      match: { path: ["a", "/a/**/b", "/a*", "/a//b", "/../a", "/ok", "/a?b"], not: { path: [] } },
    }),
    [...[6, 0, 1, 2, 3, 4].map((index) => `/rules/0/match/path/${index}`), "/rules/0/match/not/path"],
  ],
  ["null", null, [""]],
  ["a list", [], [""]],
  ["nothing", {}, ["/default", "/rules"]],
  ["an unknown member", { rules: [], default: "allow", defualt: "deny" }, ["/defualt"]],
  ["a member with / and ~", { rules: [], default: "allow", "a/b~c": 1 }, ["/a~1b~0c"]],
  ["an unknown default", { rules: [], default: "drop" }, ["/default"]],
  ["rules that are no list", { rules: {}, default: "allow" }, ["/rules"]],
  ["a rule that is no object", { rules: ["deny"], default: "allow" }, ["/rules/0"]],
  ["an id in capitals", withRule({ id: "A" }), ["/rules/0/id"]],
  ["an id that starts with -", withRule({ id: "-a" }), ["/rules/0/id"]],
  ["an id that is too long", withRule({ id: "a".repeat(65) }), ["/rules/0/id"]],
  ["an id twice", { rules: [rule, { ...rule }], default: "allow" }, ["/rules/1/id"]],
  ["a status that is no denial", withRule({ status: 200 }), ["/rules/0/status"]],
  ["a limit rule without a limit", withRule({ action: "limit" }), ["/rules/0/limit"]],
  ["a limit on another rule", withRule({ limit }), ["/rules/0/limit"]],
  ["a limit rule with a status", withRule({ action: "limit", limit, status: 403 }), ["/rules/0/status"]],
  ["an unknown key of a limit", withLimit({ key: "session" }), ["/rules/0/limit/key"]],
  ["no requests", withLimit({ requests: 0 }), ["/rules/0/limit/requests"]],
  ["half a second", withLimit({ seconds: 0.5 }), ["/rules/0/limit/seconds"]],
  ["a burst in words", withLimit({ burst: "10" }), ["/rules/0/limit/burst"]],
  ["a burst that takes weeks to come back", withLimit({ burst: 1_000_000 }), ["/rules/0/limit/burst"]],
  ["an unknown member of a limit", withLimit({ rate: 1 }), ["/rules/0/limit/rate"]],
  [
    "too many limits",
    {
      rules: Array.from({ length: LIMIT_RULES_MAX + 1 }, (_, index) => ({
        ...rule,
        id: `r${index}`,
        action: "limit",
        limit,
      })),
      default: "allow",
    },
    ["/rules"],
  ],
  ["a status on an allow rule", withRule({ action: "allow", status: 403 }), ["/rules/0/status"]],
  ["an unknown mode", withRule({ mode: "off" }), ["/rules/0/mode"]],
  ["a note that is too long", withRule({ note: "x".repeat(NOTE_LENGTH_MAX + 1) }), ["/rules/0/note"]],
  [
    "no match",
    { rules: [{ id: "a", action: "deny", mode: "enforce" }], default: "allow" },
    ["/rules/0/match"],
  ],
  ["an unknown condition", withRule({ match: { city: ["Bonn"] } }), ["/rules/0/match/city"]],
  ["no countries", withRule({ match: { country: [] } }), ["/rules/0/match/country"]],
  [
    "too many countries",
    withRule({ match: { country: Array(COUNTRIES_PER_RULE_MAX + 1).fill("DE") } }),
    ["/rules/0/match/country"],
  ],
  [
    "a country in small letters",
    withRule({ match: { country: ["DE", "de"] } }),
    ["/rules/0/match/country/1"],
  ],
  ["a method in small letters", withRule({ match: { method: ["get"] } }), ["/rules/0/match/method/0"]],
  ["a prefix without /", withRule({ match: { pathPrefix: "orders" } }), ["/rules/0/match/pathPrefix"]],
  ["a prefix with a query", withRule({ match: { pathPrefix: "/a?b" } }), ["/rules/0/match/pathPrefix"]],
  [
    "a continent that is none",
    withRule({ match: { continent: ["EU", "XX"] } }),
    ["/rules/0/match/continent/1"],
  ],
  ["a block that is none", withRule({ match: { cidr: ["300.0.0.0/8"] } }), ["/rules/0/match/cidr/0"]],
  ["a host with a port", withRule({ match: { host: ["a.example:80"] } }), ["/rules/0/match/host/0"]],
  ["a host in capitals", withRule({ match: { host: ["A.example"] } }), ["/rules/0/match/host/0"]],
  ["a star inside a host", withRule({ match: { host: ["a.*.example"] } }), ["/rules/0/match/host/0"]],
  ["a negation of nothing", withRule({ match: { not: {} } }), ["/rules/0/match/not"]],
  ["a negation in a negation", withRule({ match: { not: { not: {} } } }), ["/rules/0/match/not/not"]],
  ["a fault in a negation", withRule({ match: { not: { cidr: ["x"] } } }), ["/rules/0/match/not/cidr/0"]],
  ["an end that is no day", withRule({ endsAt: "2026-02-29T00:00:00Z" }), ["/rules/0/endsAt"]],
  ["an end in local time", withRule({ endsAt: "2026-02-28T00:00:00+01:00" }), ["/rules/0/endsAt"]],
  [
    "several faults, all at once",
    { rules: [{ id: "", match: { country: ["x"] }, action: "no", mode: "enforce" }], default: "no" },
    ["/default", "/rules/0/id", "/rules/0/action", "/rules/0/match/country/0"],
  ],
  [
    "one rule too many",
    {
      rules: Array.from({ length: RULES_MAX + 1 }, (_, index) => ({ ...rule, id: `r${index}` })),
      default: "deny",
    },
    ["/rules"],
  ],
];

for (const [name, document, pointers] of broken) {
  test(`refuses ${name}`, () => {
    assert.deepEqual(
      policyFaults(document).map(({ pointer }) => pointer),
      pointers,
    );
    assert.ok(!isPolicyDocument(document));
  });
}
