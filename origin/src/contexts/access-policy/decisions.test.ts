import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DECISION_DOCUMENT, type DecisionRecord } from "@sluice/contract/decision-record.ts";
import { decisionCountersKey, decisionsKey } from "@sluice/contract/keys.ts";
import { pino } from "pino";
import {
  createTestDatabase,
  createTestRedisPrefix,
  startTestServices,
} from "../../../../cli/src/services/for-tests.ts";
import { startTestApi } from "../../../test/start-api.ts";
import { connectRedis, untilReady } from "../../platform/redis/connect.ts";

const services = await startTestServices();
const database = await createTestDatabase(services);
const prefix = await createTestRedisPrefix(services);
const api = await startTestApi({ mysqlUrl: database.url, redisUrl: prefix.url, redisPrefix: prefix.prefix });
const store = connectRedis(prefix.url, prefix.prefix, pino({ level: "silent" }));
const { operator } = api;

before(async () => {
  await untilReady(store, 5_000);
});

after(async () => {
  await store.close();
  await api.close();
  await prefix.close();
  await database.close();
  await services.close();
});

async function record(id: string, change: Partial<DecisionRecord>): Promise<void> {
  const made: DecisionRecord = {
    atMs: Number(id.split("-")[0]),
    ip: "198.51.100.7",
    country: "DE",
    method: "GET",
    path: "/products",
    host: "shop.example",
    action: "allow",
    status: 0,
    reason: "default",
    rule: "",
    route: "/products",
    weight: 1,
    ...change,
  };
  await store.client.xadd(decisionsKey(prefix.prefix), id, DECISION_DOCUMENT, JSON.stringify(made));
}

const denying = { action: "deny", status: 403 } as const;

test("without a record there is nothing to list and nothing to try", async () => {
  assert.deepEqual((await operator("GET", "/decisions")).body, { decisions: [], nextCursor: null });
  const document = { rules: [], default: "deny" };
  const { status, body } = await operator("POST", "/policy/dry-run", { document });
  assert.deepEqual([status, body.requests, body.changes.count], [200, 0, 0]);
});

test("the record is listed from its end, filtered, page by page", async () => {
  for (let i = 1; i <= 10; i++) await record(`1000-${i}`, { country: i % 2 === 0 ? "KP" : "DE" });
  await record("2000-0", { ip: "2001:db8::1", ...denying, reason: "rule", rule: "no-kp" });
  const seen: string[] = [];
  let cursor = "";
  do {
    const { body } = await operator("GET", `/decisions?country=KP&limit=2${cursor && `&cursor=${cursor}`}`);
    seen.push(...body.decisions.map(({ id }: { id: string }) => id));
    cursor = body.nextCursor ?? "";
  } while (cursor !== "");
  assert.deepEqual(seen, ["1000-10", "1000-8", "1000-6", "1000-4", "1000-2"]);
  for (const filter of ["action=deny", "rule=no-kp", "reason=rule", "cidr=2001:db8::/32"]) {
    const { body } = await operator("GET", `/decisions?${filter}`);
    assert.deepEqual(
      body.decisions.map(({ id }: { id: string }) => id),
      ["2000-0"],
      filter,
    );
  }
  assert.equal((await operator("GET", "/decisions?cidr=300.0.0.1")).body.code, "access.cidr_invalid");
});

test("a draft is tried on the record: totals, every change counted, examples and samples", async () => {
  await store.client.del(decisionsKey(prefix.prefix));
  for (let i = 1; i <= 150; i++) await record(`1000-${i}`, { country: "FR", path: "/orders" });
  for (let i = 1; i <= 50; i++) await record(`3000-${i}`, {});
  await record("3000-60", { ip: "203.0.113.9", country: "KP" });
  await record("3000-61", { ip: "no address" });
  await operator("POST", "/lists/deny", { cidr: "203.0.113.0/24" });
  const document = {
    default: "allow",
    rules: [
      { id: "watch", match: { country: ["DE"] }, action: "deny", mode: "observe" },
      { id: "no-fr", match: { country: ["FR"] }, action: "deny", mode: "enforce", status: 451 },
    ],
  };
  const { body } = await operator("POST", "/policy/dry-run", { document });
  assert.deepEqual(
    [body.revision, body.requests, body.skipped, body.deniedToday, body.deniedByDraft],
    [1, 201, 1, 1, 151],
  );
  assert.equal(body.changes.count, 150);
  assert.equal(body.changes.examples.length, 100);
  assert.deepEqual(body.changes.examples[0], {
    ip: "198.51.100.7",
    country: "FR",
    method: "GET",
    path: "/orders",
    host: "shop.example",
    today: { action: "allow", status: 0, reason: "default", rule: "" },
    draft: { action: "deny", status: 451, reason: "rule", rule: "no-fr" },
  });
  const totals = body.byRule.map((one: Record<string, unknown>) => [
    one.reason,
    one.rule,
    one.today,
    one.draft,
    one.observed,
    (one.samples as unknown[]).length,
  ]);
  assert.deepEqual(totals, [
    ["rule", "no-fr", 0, 150, 0, 3],
    ["rule", "watch", 0, 0, 50, 0],
    ["default", "", 200, 50, 0, 3],
    ["deny-list", "", 1, 1, 0, 1],
  ]);
  assert.deepEqual(body.byCountry, [
    { country: "FR", requests: 150, deniedToday: 0, deniedByDraft: 150 },
    { country: "DE", requests: 50, deniedToday: 0, deniedByDraft: 0 },
    { country: "KP", requests: 1, deniedToday: 1, deniedByDraft: 1 },
  ]);
  const later = await operator("POST", "/policy/dry-run", { document, since: "1970-01-01T00:00:03Z" });
  assert.equal(later.body.requests, 51);
});

test("limits are tried by the times of the record, and what can't be tried is said", async () => {
  await store.client.del(decisionsKey(prefix.prefix));
  const base = 1_790_000_000_000;
  // Ten a second, for two seconds, of one address; and one of a /64 now and then.
  for (let i = 0; i < 20; i++) {
    await record(`${base + i * 100}-0`, { ip: "192.0.2.7", weight: 3 });
    if (i < 4) await record(`${base + i * 100}-1`, { ip: `2001:db8::${i}`, route: "/orders" });
  }
  await record(`${base + 5_000}-0`, { ip: "192.0.2.0", truncated: true, route: "" });
  const limit = (id: string, key: string, requests: number, mode = "enforce") => ({
    id,
    match: {},
    action: "limit",
    mode,
    limit: { key, requests, seconds: 1 },
  });
  const document = {
    default: "allow",
    rules: [
      limit("of-users", "user", 1),
      limit("watched", "route", 1, "observe"),
      limit("of-addresses", "address", 5),
      { id: "none", match: { cidr: ["2001:db8::3"] }, action: "deny", mode: "enforce" },
    ],
  };
  const { body } = await operator("POST", "/policy/dry-run", { document });
  assert.deepEqual([body.requests, body.standFor], [25, 65]);
  const totals = Object.fromEntries(
    body.byRule.map((one: { rule: string; draft: number; observed: number }) => [
      one.rule,
      [one.draft, one.observed],
    ]),
  );
  // Five at once and five each second after: of twenty in 1.9 s, fourteen.
  assert.deepEqual(totals, { "": [18, 0], "of-addresses": [6, 0], none: [1, 0], watched: [0, 20] });
  assert.equal(body.changes.count, 7);
  assert.deepEqual(body.changes.examples.at(-1).draft, {
    action: "deny",
    status: 429,
    reason: "limit",
    rule: "of-addresses",
  });
  assert.deepEqual(body.limitsNotTried, [
    { rule: "of-users", because: "user-unknown", requests: 24 },
    { rule: "of-addresses", because: "address-truncated", requests: 1 },
  ]);

  // Of an upload without times, and without the edge's routes, nothing can be said of limits.
  const upload = [{ document }, { ip: "192.0.2.7" }, { ip: "192.0.2.7", at: "2026-11-30T12:00:00Z" }];
  const lines = upload.map((line) => JSON.stringify(line)).join("\n");
  const tried = await operator("POST", "/policy/dry-run", lines, { "content-type": "application/x-ndjson" });
  const untried = Object.fromEntries(
    tried.body.limitsNotTried.map((one: { rule: string; because: string; requests: number }) => [
      `${one.rule} ${one.because}`,
      one.requests,
    ]),
  );
  assert.deepEqual(untried, {
    "of-users user-unknown": 2,
    "watched time-unknown": 1,
    "watched route-unknown": 1,
    "of-addresses time-unknown": 1,
  });
});

test("a faulty draft is refused with its faults", async () => {
  const { status, body } = await operator("POST", "/policy/dry-run", { document: { rules: 1 } });
  assert.deepEqual([status, body.code, body.errors.length], [422, "policy.invalid", 2]);
});

test("many decisions are tried with progress, line by line", async () => {
  await store.client.del(decisionsKey(prefix.prefix));
  const pipeline = store.client.pipeline();
  const document = JSON.stringify({
    atMs: 1,
    ip: "10.0.0.1",
    country: "ZZ",
    method: "GET",
    path: "/",
    host: "",
  });
  for (let i = 1; i <= 12_000; i++) {
    pipeline.xadd(decisionsKey(prefix.prefix), `1-${i}`, DECISION_DOCUMENT, document);
  }
  await pipeline.exec();
  const response = await fetch(`${api.opsUrl}/policy/dry-run`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${api.opsToken}`,
      accept: "application/x-ndjson",
      "content-type": "application/json",
    },
    body: JSON.stringify({ document: { rules: [], default: "deny" } }),
  });
  const lines = (await response.text()).trim().split("\n");
  const [last, ...progress] = lines.map((line) => JSON.parse(line)).reverse();
  assert.equal(last.report.changes.count, 12_000);
  assert.deepEqual(progress.reverse(), [
    { done: 0, total: 12_000 },
    { done: 5_000, total: 12_000 },
    { done: 10_000, total: 12_000 },
    { done: 12_000, total: 12_000 },
  ]);
});

test("an access log from elsewhere is tried instead, and what is no request in it is skipped", async () => {
  const document = {
    default: "allow",
    rules: [{ id: "no-cn", match: { country: ["CN"], pathPrefix: "/a" }, action: "deny", mode: "enforce" }],
  };
  const lines = [
    { document },
    { ip: "1.2.4.8", method: "GET", path: "/a?b=c" },
    { ip: "1.2.4.8", method: "GET", path: "/b" },
    { ip: "10.0.0.1", method: "GET", path: "/a", country: "CN" },
    { ip: 5 },
    { ip: "10.0.0.1" },
  ];
  const upload = (all: object[]) =>
    operator("POST", "/policy/dry-run", all.map((line) => JSON.stringify(line)).join("\n"), {
      "content-type": "application/x-ndjson",
    });
  const { status, body } = await upload(lines);
  assert.deepEqual([status, body.requests, body.skipped, body.changes.count], [200, 4, 1, 2]);
  assert.equal((await upload(lines.slice(1))).body.code, "policy.invalid");
});

test("metrics tell what all edge workers counted, in the form that Prometheus reads", async () => {
  await store.client.hset(decisionCountersKey(prefix.prefix), {
    "decision|rule|no-kp|deny|451": 7,
    "decision|default||allow|0": 12,
    "country|KP|deny": 7,
    "observed|watch|deny": 3,
    other: 1,
  });
  const response = await fetch(`${api.opsUrl}/metrics`, {
    headers: { authorization: `Bearer ${api.opsToken}` },
  });
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const lines = (await response.text()).split("\n").filter((line) => !line.startsWith("#"));
  assert.deepEqual(lines, [
    'sluice_access_decisions_total{reason="default",rule="",action="allow",status="0"} 12',
    'sluice_access_decisions_total{reason="rule",rule="no-kp",action="deny",status="451"} 7',
    'sluice_access_decisions_by_country_total{country="KP",action="deny"} 7',
    'sluice_access_observed_total{rule="watch",action="deny"} 3',
    "sluice_access_counted_otherwise_total 1",
    "sluice_access_policy_revision 1",
    "sluice_access_decisions_recorded 12000",
    'sluice_geo_file_faulty{place="origin",kind="country"} 0',
    "sluice_geo_workers_behind 0",
    "sluice_relay_leads 0",
    "",
  ]);
  assert.equal((await fetch(`${api.opsUrl}/metrics`)).status, 401);
});

test("whom a ban would hit is told before it is made", async () => {
  await store.client.del(decisionsKey(prefix.prefix));
  for (let i = 1; i <= 30; i++) await record(`1-${i}`, { ip: i <= 10 ? `198.18.0.${i}` : "2001:db8::1" });
  for (const cidr of ["198.18.0.7", "198.0.0.0/8", "198.19.0.0/16"])
    await operator("POST", "/lists/allow", { cidr });
  const { status, body } = await operator("POST", "/lists/deny/preview", { cidr: "198.18.0.99/24" });
  assert.equal(status, 200);
  assert.deepEqual([body.cidr, body.recorded, body.hit, body.allowListedCount], ["198.18.0.0/24", 30, 10, 2]);
  assert.deepEqual(
    body.allowListed.map(({ cidr }: { cidr: string }) => cidr),
    ["198.18.0.7", "198.0.0.0/8"],
  );
  assert.equal(
    (await operator("POST", "/lists/deny/preview", { cidr: "x" })).body.code,
    "access.cidr_invalid",
  );
  assert.ok(
    !(await operator("GET", "/lists/deny")).body.entries.some((e: { cidr: string }) => e.cidr === body.cidr),
  );
});
