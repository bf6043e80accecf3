import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { AccessEntry } from "@sluice/contract/change.ts";
import { COUNTER_OTHER, COUNTERS_MAX } from "@sluice/contract/decision-counters.ts";
import type { DecisionRecord } from "@sluice/contract/decision-record.ts";
import { decisionCountersKey, decisionsKey } from "@sluice/contract/keys.ts";
import { type Address, type Cidr, parseAddress, parseCidr } from "@sluice/contract/policy/address.ts";
import { createAddressTable, setBlock } from "@sluice/contract/policy/address-table.ts";
import {
  type AccessState,
  type CompiledRule,
  compilePolicy,
  decide,
  type Verdict,
} from "@sluice/contract/policy/decide.ts";
import type { Conditions, PolicyDocument, PolicyRule } from "@sluice/contract/policy/document.ts";
import {
  arrive,
  type CompiledLimit,
  REFUSED,
  standing,
  ticksAt,
} from "@sluice/contract/policy/rate-limit.ts";
import { type Pick, picker } from "../../contract/cases/picker.ts";
import {
  type EdgeUnderTest,
  FROM_FRANCE_IPV6,
  FROM_GERMANY,
  FROM_KOREA,
  FROM_NOWHERE,
  startEdge,
} from "./edge-under-test.ts";
import { madeUpAsn } from "./geo-tables.ts";
import { type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
import { PREFIX, type RedisUnderTest, startRedis } from "./redis-under-test.ts";

const DOCUMENTS = 40;
const REQUESTS_OF_EACH = 40;

describe("the record of decisions", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;

  before(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    await redis.ready("1");
    edge = await startEdge({ redisPort: redis.port, originPort: origin.port });
    await edge.untilReady();
  });

  after(async () => {
    await edge?.close();
    await origin.close();
    await redis.close();
  });

  async function recorded(host: string): Promise<DecisionRecord[]> {
    const entries = await redis.client.xrange(decisionsKey(PREFIX), "-", "+");
    return entries.map(([, fields]) => JSON.parse(fields[1] as string)).filter((one) => one.host === host);
  }

  test("holds what was asked and decided, and neither query nor header", async () => {
    const answer = await edge.from(FROM_FRANCE_IPV6, "/openapi.json?token=secret", {
      host: "Record.example:81",
      headers: ["authorization", "Bearer secret"],
    });
    assert.equal(answer.status, 200);
    const [record] = await until("it is recorded", async () => {
      const found = await recorded("record.example");
      return found.length > 0 && found;
    });
    assert.ok(record);
    const { atMs, ...rest } = record;
    assert.ok(Math.abs(Date.now() - atMs) < 10_000);
    assert.deepEqual(rest, {
      ip: FROM_FRANCE_IPV6,
      country: "FR",
      method: "GET",
      path: "/openapi.json",
      host: "record.example",
      action: "allow",
      status: 0,
      reason: "default",
      rule: "",
      route: "/openapi.json",
      weight: 1,
    });
    assert.doesNotMatch(JSON.stringify(await redis.client.xrange(decisionsKey(PREFIX), "-", "+")), /secret/);
  });

  test("generated policies: what the edge answers is what the origin would say of the record", async (t) => {
    const seed = Number(process.env.SLUICE_SEED ?? Date.now() % 0x7fff_ffff);
    t.diagnostic(`seed ${seed}`);
    const pick = picker(seed);
    const allow = createAddressTable();
    const deny = createAddressTable();
    for (const [id, list, cidr] of [
      [1, "allow", "198.51.100.64/26"],
      [2, "deny", "203.0.113.0/25"],
    ] as const) {
      const entry: AccessEntry = { id, list, cidr, expiresAtMs: 0, removed: false, version: 1 };
      await redis.entry(entry);
      setBlock(list === "allow" ? allow : deny, parseCidr(cidr) as Cidr, id, 0, 0);
    }
    let compared = 0;
    for (let number = 1; number <= DOCUMENTS; number++) {
      const document = generatedDocument(pick, number);
      await redis.policy(number, document);
      await until("it is in force", async () => {
        const answer = await edge.from(FROM_NOWHERE, "/openapi.json", { host: `marker-${number}.example` });
        return answer.status === 451;
      });
      const host = `d${number}.example`;
      const state = { allow, deny, policy: compilePolicy(document) };
      const dueTimes = new Map<string, number>();
      const answers: { ip: string; method: string; path: string; status: number }[] = [];
      for (let i = 0; i < REQUESTS_OF_EACH; i++) {
        const ip = pick(ADDRESSES);
        const [method, path] = pick(TARGETS);
        answers.push({ ip, method, path, status: (await edge.from(ip, path, { method, host })).status });
      }
      const records = await until("all are recorded", async () => {
        const found = await recorded(host);
        return found.length === answers.length && found;
      });
      for (const [index, answer] of answers.entries()) {
        const record = records[index] as DecisionRecord;
        const address = parseAddress(record.ip) as Address;
        const asn = madeUpAsn(record.ip);
        const decided = decide(state, { ...record, asn, address, nowMs: record.atMs }, undefined);
        const verdict = charged(state, decided, record, dueTimes);
        const { action, status, reason, rule, ip, method, path } = record;
        assert.deepEqual({ action, status, reason, rule }, verdict, JSON.stringify({ record, document }));
        assert.deepEqual({ ip, method, path }, { ip: answer.ip, method: answer.method, path: answer.path });
        assert.equal(answer.status, verdict.action === "deny" ? verdict.status : 200);
        compared += 1;
      }
    }
    assert.equal(compared, DOCUMENTS * REQUESTS_OF_EACH);
  });
});

test("every decision of every worker is counted once, by rule and country, observed ones apart", async () => {
  const redis = await startRedis();
  const origin = await startOrigin();
  await redis.ready("1");
  await redis.policy(1, {
    rules: [
      { id: "watch", match: { country: ["DE"] }, action: "deny", mode: "observe" },
      { id: "no-kp", match: { country: ["KP"] }, action: "deny", mode: "enforce", status: 451 },
    ],
    default: "allow",
  });
  const edge = await startEdge({ redisPort: redis.port, originPort: origin.port, workers: 2 });
  try {
    await edge.untilReady();
    for (let i = 0; i < 30; i++) await edge.from(FROM_KOREA, "/openapi.json");
    for (let i = 0; i < 20; i++) await edge.from(FROM_GERMANY, "/openapi.json");
    // What the policy that goes has observed is not lost with it.
    await redis.policy(2, { rules: [], default: "allow" });
    const counters = await until("all are counted", async () => {
      const all = await redis.client.hgetall(decisionCountersKey(PREFIX));
      const total = Number(all["country|KP|deny"] ?? 0) + Number(all["country|DE|allow"] ?? 0);
      return total >= 50 && all["observed|watch|deny"] === "20" && all;
    });
    assert.deepEqual(
      { ...counters },
      {
        "country|DE|allow": "20",
        "country|KP|deny": "30",
        "decision|default||allow|0": "20",
        "decision|rule|no-kp|deny|451": "30",
        "observed|watch|deny": "20",
      },
    );
    // However many rules and countries come and go, the counters stay few: what is one too many is counted as one.
    const key = decisionCountersKey(PREFIX);
    const gone = Array.from({ length: COUNTERS_MAX - 5 }, (_, at) => [
      `decision|rule|gone-${at}|deny|403`,
      "1",
    ]);
    await redis.client.hset(key, ...gone.flat());
    for (let i = 0; i < 7; i++) await edge.from(FROM_FRANCE_IPV6, "/openapi.json");
    await until("the rest is counted", async () => {
      const [other, byDefault] = await redis.client.hmget(key, COUNTER_OTHER, "decision|default||allow|0");
      return other === "7" && byDefault === "27";
    });
    assert.equal(await redis.client.hlen(key), COUNTERS_MAX + 1);
  } finally {
    await edge.close();
    await origin.close();
    await redis.close();
  }
});

test("addresses are cut when the configuration says so, and nothing is kept when it says 0", async () => {
  const redis = await startRedis();
  const origin = await startOrigin();
  await redis.ready("1");
  const options = { redisPort: redis.port, originPort: origin.port };
  const edge = await startEdge({ ...options, env: { EDGE_RECORDED_ADDRESSES: "truncated" } });
  const silent = await startEdge({ ...options, env: { EDGE_DECISIONS_MAX: "0" } });
  try {
    await edge.untilReady();
    await silent.untilReady();
    await silent.from(FROM_GERMANY, "/openapi.json", { host: "silent.example" });
    await edge.from("198.51.100.77", "/openapi.json");
    await edge.from("2001:db8:1:2::3", "/openapi.json");
    const addresses = await until("both are recorded", async () => {
      const entries = await redis.client.xrange(decisionsKey(PREFIX), "-", "+");
      return entries.length >= 2 && entries.map(([, fields]) => JSON.parse(fields[1] as string).ip);
    });
    assert.deepEqual(addresses, ["198.51.100.0", "2001:db8:1::"]);
  } finally {
    await silent.close();
    await edge.close();
    await origin.close();
    await redis.close();
  }
});

const ADDRESSES = [
  ...[FROM_GERMANY, FROM_KOREA, FROM_FRANCE_IPV6, FROM_NOWHERE],
  ...["198.51.100.70", "203.0.113.200", "2001:db8:1::1", "2001:db9::1"],
];
const TARGETS = [
  ["POST", "/auth/login"],
  ["GET", "/openapi.json"],
] as const;

/** What is left of the verdict when the limits that it passed are charged, in their order, by the record's times. */
function charged(
  { policy }: AccessState,
  verdict: Verdict,
  record: DecisionRecord,
  dueTimes: Map<string, number>,
): Verdict {
  if (verdict.action === "deny") return verdict;
  for (const rule of policy.passed.slice(0, policy.passedCount)) {
    const { limit, enforced, verdict: refusal } = rule as CompiledRule;
    const key = `${refusal.rule} ${limit?.key === "route" ? record.route : networkOf(record.ip)}`;
    const now = ticksAt(record.atMs);
    const due = dueTimes.get(key) ?? 0;
    const next = arrive(limit as CompiledLimit, due, now);
    dueTimes.set(key, next === REFUSED ? standing(limit as CompiledLimit, due, now) : next);
    if (next === REFUSED && enforced) return refusal;
  }
  return verdict;
}

/** A client of IPv6 counts by its /64: of the addresses here that is what stands before the double colon. */
function networkOf(ip: string): string {
  return ip.split("::")[0] as string;
}

function generatedDocument(pick: Pick, number: number): PolicyDocument {
  const marker = `marker-${number}.example`;
  const rules: PolicyRule[] = [
    { id: "marker", match: { host: [marker] }, action: "deny", mode: "enforce", status: 451 },
  ];
  const count = pick([0, 1, 2, 3, 5]);
  for (let i = 0; i < count; i++) {
    const not = generatedConditions(pick);
    // 451 is the marker's alone: by it the policy in force is told.
    const status = pick([undefined, 403, 404] as const);
    const endsAt = pick([undefined, undefined, "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"]);
    const action = pick(["allow", "deny", "limit", "limit"] as const);
    const limit = {
      key: pick(["address", "route"] as const),
      requests: pick([1, 2, 5]),
      // Nothing of it comes back while the test runs.
      seconds: 3_600,
    };
    rules.push({
      // What is counted of a limit goes on under its name.
      id: `rule-${number}-${i}`,
      match: { ...generatedConditions(pick), ...(Object.keys(not).length > 0 ? { not } : {}) },
      action,
      mode: pick(["enforce", "enforce", "observe"] as const),
      ...(status !== undefined && action === "deny" ? { status } : {}),
      ...(action === "limit" ? { limit } : {}),
      ...(endsAt === undefined ? {} : { endsAt }),
    });
  }
  return { rules, default: pick(["allow", "deny"] as const) };
}

function generatedConditions(pick: Pick): Conditions {
  return pick<Conditions>([
    {},
    {},
    { country: pick([["DE"], ["KP", "FR"], ["ZZ"]]) },
    { continent: pick([["EU"], ["AS", "ZZ"]]) },
    { cidr: pick([["198.51.100.0/25"], ["2001:db8::/48", "203.0.113.128/25"], ["0.0.0.0/0"], ["::/0"]]) },
    { asn: pick([[64_500], [64_501, 4_200_000_000], [0]]) },
    { path: pick([["/auth/*"], ["/openapi.json", "/x/**"], ["/**"]]) },
    { host: pick([["*.example"], ["d1.example", "d2.example"]]) },
    { method: pick([["GET", "HEAD"], ["POST"]]), pathPrefix: pick(["/", "/auth", "/openapi.json"]) },
  ]);
}
