import assert from "node:assert/strict";
import { after, test } from "node:test";
import { accessEntriesKey } from "@sluice/contract/keys.ts";
import {
  formatAddress,
  formatCidr,
  maskAddress,
  parseAddress,
  parseCidr,
} from "@sluice/contract/policy/address.ts";
import { createAddressTable, setBlock } from "@sluice/contract/policy/address-table.ts";
import { compilePolicy, decide } from "@sluice/contract/policy/decide.ts";
import type { PolicyDocument } from "@sluice/contract/policy/document.ts";
import fc from "fast-check";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { pino } from "pino";
import {
  createTestDatabase,
  createTestRedisPrefix,
  startTestServices,
} from "../../../../cli/src/services/for-tests.ts";
import { startTestApi } from "../../../test/start-api.ts";
import { openDatabase } from "../../platform/mysql/database.ts";
import { connectRedis, untilReady } from "../../platform/redis/connect.ts";
import { forgetEntries, forgetLimits } from "./application/forget-entries.ts";
import { listsIn } from "./infrastructure/lists.ts";
import { dropProjectedFrom } from "./infrastructure/projected-entries.ts";

const services = await startTestServices();
const database = await createTestDatabase(services);
const prefix = await createTestRedisPrefix(services);
let nowMs = Date.now();
const api = await startTestApi(
  { mysqlUrl: database.url, redisUrl: prefix.url, redisPrefix: prefix.prefix },
  { clock: () => nowMs },
);
const sql = await createConnection(database.url);

after(async () => {
  await sql.end();
  await api.close();
  await prefix.close();
  await database.close();
  await services.close();
});

const { operator } = api;
const later = (ms: number) => new Date(nowMs + ms).toISOString();

const ndjson = { "content-type": "application/x-ndjson" };
const asLines = (values: object[]) => values.map((value) => JSON.stringify(value)).join("\n");

async function revisionInForce(): Promise<string> {
  return (await operator("GET", "/policy")).headers.get("etag") as string;
}

function denying(country: string): PolicyDocument {
  const id = `no-${country.toLowerCase()}`;
  return {
    rules: [{ id, match: { country: [country] }, action: "deny", mode: "enforce" }],
    default: "allow",
  };
}

test("before anybody has published, everybody may pass", async () => {
  const { body, headers } = await operator("GET", "/policy");
  assert.deepEqual(body, { rules: [], default: "allow" });
  assert.equal(headers.get("etag"), '"1"');
});

test("what is published is in force, under the next revision, with who and why", async () => {
  const before = await revisionInForce();
  const put = await operator("PUT", "/policy?author=ann&reason=trial", denying("KP"), { "if-match": before });
  assert.equal(put.status, 200);
  assert.equal(put.headers.get("etag"), `"${put.body.revision}"`);
  assert.deepEqual((await operator("GET", "/policy")).body, denying("KP"));
  const kept = (await operator("GET", `/policy/revisions/${put.body.revision}`)).body;
  assert.deepEqual(
    { author: kept.author, reason: kept.reason, document: kept.document, createdAt: kept.createdAt },
    { author: "ann", reason: "trial", document: denying("KP"), createdAt: new Date(nowMs).toISOString() },
  );
});

test("nobody overwrites what they have not seen", async () => {
  const before = await revisionInForce();
  const missing = await operator("PUT", "/policy", denying("KP"));
  assert.deepEqual([missing.status, missing.body.code], [428, "policy.precondition_required"]);
  for (const stale of ['"999"', "*", 'W/"1"', "nonsense"]) {
    const answer = await operator("PUT", "/policy", denying("KP"), { "if-match": stale });
    assert.deepEqual([answer.status, answer.body.code], [412, "policy.stale"], stale);
  }
  assert.equal(await revisionInForce(), before);
});

test("of ten who publish at once one does, and the others hear what is in force now", async () => {
  const before = await revisionInForce();
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => operator("PUT", "/policy", denying("IR"), { "if-match": before })),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(9).fill(412)]);
  const after = await revisionInForce();
  for (const { status, headers } of answers) if (status === 412) assert.equal(headers.get("etag"), after);
  assert.equal(Number(after.slice(1, -1)), Number(before.slice(1, -1)) + 1, "revisions have no gaps");
});

test("a faulty document is refused with every fault in its place, and nothing is written", async () => {
  const before = await revisionInForce();
  const faulty = {
    rules: [{ id: "Bad Id", match: { country: ["kp"] }, action: "maybe", mode: "enforce" }, 5],
    default: "allow",
    extra: true,
  };
  const { status, body } = await operator("PUT", "/policy", faulty, { "if-match": before });
  assert.deepEqual([status, body.code], [422, "policy.invalid"]);
  assert.deepEqual(body.errors.map(({ pointer }: { pointer: string }) => pointer).sort(), [
    "/extra",
    "/rules/0/action",
    "/rules/0/id",
    "/rules/0/match/country/0",
    "/rules/1",
  ]);
  assert.equal(await revisionInForce(), before);
});

test("a document of a thousand rules fits", async () => {
  const rule = denying("KP").rules[0];
  const rules = Array.from({ length: 1_000 }, (_, n) => ({
    ...rule,
    id: `rule-${n}`,
    note: "x".repeat(300),
  }));
  const put = await operator(
    "PUT",
    "/policy",
    { rules, default: "allow" },
    { "if-match": await revisionInForce() },
  );
  assert.equal(put.status, 200);
});

test("an old revision comes back as a new one, and history is listed from its end", async () => {
  const restored = await operator("POST", "/policy/revisions/1/restore?author=bob");
  assert.equal(restored.status, 200);
  assert.deepEqual((await operator("GET", "/policy")).body, { rules: [], default: "allow" });
  const first = (await operator("GET", "/policy/revisions?limit=2")).body;
  assert.equal(first.revisions[0].revision, restored.body.revision);
  assert.equal(first.revisions[0].reason, "restored revision 1");
  const next = (await operator("GET", `/policy/revisions?limit=2&cursor=${first.nextCursor}`)).body;
  assert.equal(next.revisions[0].revision, restored.body.revision - 2);
  const [rows] = await sql.query<RowDataPacket[]>("SELECT revision, version FROM policy_current");
  assert.deepEqual({ ...rows[0] }, { revision: restored.body.revision, version: restored.body.revision });
});

test("a revision tells what changed since another one", async () => {
  const first = Number((await revisionInForce()).replaceAll('"', ""));
  const next = { ...denying("CU"), default: "deny" };
  const put = await operator("PUT", "/policy", next, { "if-match": String(first) });
  const earlier = (await operator("GET", `/policy/revisions/${first}`)).body.document;
  const { body } = await operator("GET", `/policy/revisions/${put.body.revision}?diff=${first}`);
  assert.deepEqual(body.diff, {
    since: first,
    default: { from: "allow", to: "deny" },
    added: next.rules,
    removed: earlier.rules,
    changed: [],
    moved: [],
  });
  const unknown = await operator("GET", `/policy/revisions/${first}?diff=999999`);
  assert.equal(unknown.body.code, "policy.revision_unknown");
  await operator("POST", `/policy/revisions/${first}/restore`);
});

test("there is no restoring what never was, nor over what somebody else published", async () => {
  assert.equal(
    (await operator("POST", "/policy/revisions/9999/restore")).body.code,
    "policy.revision_unknown",
  );
  assert.equal((await operator("GET", "/policy/revisions/9999")).status, 404);
  const stale = await operator("POST", "/policy/revisions/1/restore", undefined, { "if-match": '"1"' });
  assert.equal(stale.body.code, "policy.stale");
});

test("one block has one entry, however it is written", async () => {
  const added = await operator("POST", "/lists/deny", { cidr: "2001:DB8::1/32", reason: "first" });
  assert.equal(added.status, 201);
  assert.equal(added.body.cidr, "2001:db8::/32");
  const again = await operator("POST", "/lists/deny", {
    cidr: "2001:db8:0::/32",
    reason: "second",
    expiresAt: later(1_000),
  });
  assert.equal(again.status, 200);
  assert.equal(again.body.id, added.body.id);
  assert.equal(again.body.expiresAt, later(1_000));
  const [[row]] = (await sql.query("SELECT version FROM access_entries WHERE id = ?", [
    added.body.id,
  ])) as unknown as [[{ version: number }]];
  assert.equal(row.version, 2, "the relay can tell the two apart");
});

test("a block that is put again keeps what is not said anew: a ban with an end does not become one for good", async () => {
  const cidr = "198.51.100.128/25";
  const put = async (change: object) => {
    const { reason, source, expiresAt } = (await operator("POST", "/lists/deny", { cidr, ...change })).body;
    return { reason, source, expiresAt };
  };
  const first = { reason: "scraping", source: "cli", expiresAt: later(5_000) };
  assert.deepEqual(await put(first), first);
  assert.deepEqual(await put({}), first);
  assert.deepEqual(await put({ reason: "" }), { ...first, reason: "" });
  assert.deepEqual(await put({ reason: "again", source: "ann" }), {
    reason: "again",
    source: "ann",
    expiresAt: first.expiresAt,
  });
  assert.deepEqual(await put({ expiresAt: null }), { reason: "again", source: "ann", expiresAt: null });
  const ended = later(1_000);
  assert.equal((await put({ expiresAt: ended })).expiresAt, ended);
  nowMs += 1_000;
  const anew = { reason: "", source: "operator", expiresAt: null };
  assert.deepEqual(await put({}), anew, "what is over is not taken up again");
  await operator("DELETE", `/lists/deny?cidr=${cidr}`);
});

test("lines keep what they don't say, each of its own block", async () => {
  const cidrs = ["192.0.2.32/28", "192.0.2.48/28", "192.0.2.64/28"];
  const [first, second, third] = cidrs as [string, string, string];
  const expiresAt = later(60_000);
  await operator("POST", "/lists/deny", { cidr: first, reason: "one", expiresAt });
  await operator("POST", "/lists/deny", { cidr: second, reason: "two", expiresAt });
  const lines = asLines([
    { cidr: first },
    { cidr: second, expiresAt: null },
    { cidr: third, reason: "three" },
  ]);
  assert.equal((await operator("POST", "/lists/deny", lines, ndjson)).body.done, 3);
  const { entries } = (await operator("GET", "/lists/deny?limit=1000")).body;
  const found = cidrs.map((cidr) => entries.find((entry: { cidr: string }) => entry.cidr === cidr));
  assert.deepEqual(
    found.map((entry) => [entry.reason, entry.expiresAt]),
    [
      ["one", expiresAt],
      ["two", null],
      ["three", null],
    ],
  );
  for (const cidr of cidrs) await operator("DELETE", `/lists/deny?cidr=${cidr}`);
});

test("of many who ban one block at once nobody fails, and there is one entry", async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => operator("POST", "/lists/deny", { cidr: "198.18.0.0/15" })),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(19).fill(200), 201]);
  assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1);
});

test("an entry that ended or was removed is not listed, and can be put back under its id", async () => {
  const cidr = "198.51.100.0/24";
  const { id } = (await operator("POST", "/lists/allow", { cidr, expiresAt: later(1_000) })).body;
  const listed = async () =>
    (await operator("GET", "/lists/allow")).body.entries.map((e: { id: number }) => e.id);
  assert.deepEqual(await listed(), [id]);
  nowMs += 1_000;
  assert.deepEqual(await listed(), []);
  assert.equal((await operator("DELETE", `/lists/allow?cidr=${cidr}`)).body.code, "access.entry_unknown");
  const back = await operator("POST", "/lists/allow", { cidr });
  assert.deepEqual([back.status, back.body.id], [201, id]);
  assert.equal((await operator("DELETE", `/lists/allow?cidr=${cidr}`)).status, 204);
  assert.deepEqual(await listed(), []);
});

test("a repeat offender is banned for twice as long each time, up to a month, until all is forgotten", async () => {
  const minute = 60_000;
  const [day, hour] = [24 * 60 * minute, 60 * minute];
  const begunMs = nowMs;
  const cidr = "203.0.113.77";
  const ban = async (askedMs: number) => {
    const { body } = await operator("POST", "/lists/deny", {
      cidr,
      escalate: true,
      expiresAt: later(askedMs),
    });
    return [Date.parse(body.expiresAt) - nowMs, body.bans];
  };
  assert.deepEqual(await ban(2 * hour), [2 * hour, 1]);
  nowMs += 2 * hour + minute;
  assert.deepEqual(await ban(2 * hour), [4 * hour, 2]);
  // Said again while it goes on, it is longer and no further ban.
  assert.deepEqual(await ban(2 * hour), [8 * hour, 2]);
  nowMs += 5 * day;
  // The entry is forgotten by now, the bans are not.
  assert.deepEqual(await ban(20 * day), [20 * day, 3]);
  nowMs += 21 * day;
  assert.deepEqual(await ban(hour), [30 * day, 4]);
  nowMs += 31 * day;
  assert.deepEqual(await ban(45 * day), [45 * day, 5], "what is asked for is never made shorter");
  nowMs += (45 + 91) * day;
  assert.equal((await ban(2 * hour))[0], 2 * hour);
  // A ban that was made without asking counts as well.
  nowMs += 3 * hour;
  await operator("POST", "/lists/deny", { cidr: "203.0.113.78", expiresAt: later(hour) });
  nowMs += 2 * hour;
  const body = { cidr: "203.0.113.78", escalate: true, expiresAt: later(hour) };
  const two = await Promise.all([1, 2].map(() => operator("POST", "/lists/deny", body)));
  const lengths = two.map((answer) => Date.parse(answer.body.expiresAt) - nowMs).sort((a, b) => a - b);
  assert.deepEqual(lengths, [2 * hour, 4 * hour], "of two at once the second sees the first");
  nowMs = begunMs;
  for (const refused of [
    { list: "deny", body: { cidr, escalate: true } },
    { list: "allow", body: { cidr, escalate: true, expiresAt: later(hour) } },
  ]) {
    const answer = await operator("POST", `/lists/${refused.list}`, refused.body);
    assert.deepEqual([answer.status, answer.body.code], [422, "access.escalation_endless"]);
  }
});

test("a long list is read page by page, each entry once", async () => {
  const cidrs = Array.from({ length: 25 }, (_, n) => `10.0.${n}.0/24`);
  for (const cidr of cidrs) await operator("POST", "/lists/allow", { cidr });
  const seen: string[] = [];
  let cursor: string | null = "0";
  while (cursor !== null) {
    const page: { entries: { cidr: string }[]; nextCursor: string | null } = (
      await operator("GET", `/lists/allow?limit=10&cursor=${cursor}`)
    ).body;
    seen.push(...page.entries.map((entry) => entry.cidr));
    cursor = page.nextCursor;
  }
  assert.deepEqual(seen, cidrs);
  for (const cidr of cidrs) await operator("DELETE", `/lists/allow?cidr=${cidr}`);
});

test("a long list goes in, out and away as lines, and goes in again as it came out", async () => {
  const cidrs = Array.from({ length: 1_234 }, (_, n) => `10.${n >> 8}.${n & 255}.0/24`);
  const put = await operator(
    "POST",
    "/lists/deny",
    asLines(cidrs.map((cidr) => ({ cidr, reason: "bulk" }))),
    ndjson,
  );
  assert.deepEqual([put.status, put.body], [200, { done: 1_234, unchanged: 0, faulty: 0, faults: [] }]);
  const exported = await fetch(`${api.opsUrl}/lists/deny`, {
    headers: { authorization: `Bearer ${api.opsToken}`, accept: "application/x-ndjson" },
  });
  const lines = await exported.text();
  const bulk = lines
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ reason }) => reason === "bulk");
  assert.deepEqual(
    bulk.map(({ cidr }) => cidr),
    cidrs,
  );
  const versions = async () =>
    (await sql.query<RowDataPacket[]>("SELECT id, version FROM access_entries"))[0];
  const before = await versions();
  const again = (await operator("POST", "/lists/deny", asLines(bulk), ndjson)).body;
  assert.deepEqual([again.done, again.unchanged], [1_234, 1_234]);
  assert.deepEqual(await versions(), before, "no edge hears of what has not changed");
  bulk[7].reason = "another";
  assert.equal((await operator("POST", "/lists/deny", asLines(bulk), ndjson)).body.unchanged, 1_233);
  const removed = await operator("DELETE", "/lists/deny", asLines(bulk), ndjson);
  assert.deepEqual([removed.status, removed.body.done], [200, 1_234]);
  assert.equal((await operator("DELETE", "/lists/deny", asLines(bulk), ndjson)).body.done, 0);
});

test("lines that are not understood are named, and the others count; of two about one block the later", async () => {
  const lines = [
    '{"cidr":"192.0.2.0/24","reason":"first"}',
    "",
    '{"cidr":"300.0.0.1"}',
    "{broken",
    '{"reason":"no cidr"}',
    `{"cidr":"192.0.2.9","expiresAt":"${new Date(nowMs).toISOString()}"}`,
    '{"cidr":"192.0.2.7/24","reason":"second"}',
  ];
  const { body } = await operator("POST", "/lists/deny", lines.join("\r\n"), ndjson);
  assert.deepEqual([body.done, body.faulty], [1, 4]);
  assert.deepEqual(
    body.faults.map(({ line }: { line: number }) => line),
    [3, 4, 5, 6],
  );
  const { entries } = (await operator("GET", "/lists/deny?limit=1000")).body;
  const found = entries.filter(({ cidr }: { cidr: string }) => cidr === "192.0.2.0/24");
  assert.deepEqual(
    found.map(({ reason }: { reason: string }) => reason),
    ["second"],
  );
});

test("who accepts lines hears of every fault and of the progress while it lasts", async () => {
  const lines = Array.from({ length: 2_500 }, (_, n) =>
    n % 2 === 0 ? `{"cidr":"198.19.${n >> 8}.${n & 255}"}` : "nonsense",
  );
  const response = await fetch(`${api.opsUrl}/lists/deny`, {
    method: "POST",
    headers: { ...ndjson, authorization: `Bearer ${api.opsToken}`, accept: "application/x-ndjson" },
    body: lines.join("\n"),
  });
  const events = (await response.text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const faults = events.filter(({ fault }) => fault !== undefined).map(({ fault }) => fault.line);
  assert.deepEqual(
    faults,
    Array.from({ length: 1_250 }, (_, n) => n * 2 + 2),
  );
  const progress = events.filter((event) => event.progress !== undefined).map((event) => event.progress.done);
  assert.deepEqual(progress, [500, 1_000, 1_250]);
  assert.deepEqual(events.at(-1), { progress: { done: 1_250, unchanged: 0, faulty: 1_250 } });
  await operator("DELETE", "/lists/deny", lines.filter((line) => line !== "nonsense").join("\n"), ndjson);
});

test("a line without an end is refused before it fills the memory", async () => {
  const endless = await operator("POST", "/lists/deny", `{"cidr":"${"1".repeat(100_000)}`, ndjson);
  assert.deepEqual([endless.status, endless.body.code], [413, "request.too_large"]);
});

test("a removal must say what", async () => {
  assert.equal((await operator("DELETE", "/lists/deny")).body.code, "access.cidr_invalid");
});

test("what ended long ago is forgotten, here and in Redis; what lives or ended just now is not", async () => {
  await sql.query("DELETE FROM access_entries");
  const add = async (cidr: string, expiresAt?: string) =>
    (await operator("POST", "/lists/deny", { cidr, expiresAt })).body.id as number;
  const removed = await add("203.0.113.1");
  await operator("DELETE", "/lists/deny?cidr=203.0.113.1");
  const expired = await add("203.0.113.2", later(1_000));
  nowMs += forgetLimits.keptMs + 2_000;
  const justRemoved = await add("203.0.113.3");
  await operator("DELETE", "/lists/deny?cidr=203.0.113.3");
  const live = await add("203.0.113.4");
  const store = connectRedis(prefix.url, prefix.prefix, pino({ level: "silent" }));
  const place = openDatabase(database.url);
  try {
    await untilReady(store, 5_000);
    const key = accessEntriesKey(prefix.prefix);
    const all = [removed, expired, justRemoved, live];
    for (const id of all) await store.client.hset(key, String(id), "{}");
    const on = { lists: listsIn(place), dropProjected: dropProjectedFrom(store), clock: () => nowMs };
    assert.equal(await forgetEntries(on), 2);
    assert.equal(await forgetEntries(on), 0);
    const [rows] = await sql.query<RowDataPacket[]>("SELECT id FROM access_entries ORDER BY id");
    assert.deepEqual(
      rows.map(({ id }) => id),
      [justRemoved, live],
    );
    assert.deepEqual((await store.client.hkeys(key)).sort(), [String(justRemoved), String(live)].sort());
  } finally {
    await store.close();
    await place.close();
  }
});

for (const { body, status = 422, code = "access.cidr_invalid" } of [
  { body: { cidr: "300.1.1.1/40" } },
  { body: { cidr: "10.0.0.0/33" } },
  { body: { cidr: "10.0.0.0/-1" } },
  { body: { cidr: "010.0.0.1" } },
  { body: { cidr: "fe80::1%eth0" } },
  { body: { cidr: "::ffff:10.0.0.1/90" } },
  { body: { cidr: "' OR 1=1 --" } },
  { body: { cidr: "10.0.0.1", expiresAt: "2001-01-01T00:00:00Z" }, code: "access.expiry_past" },
  { body: { cidr: "10.0.0.1", expiresAt: "tomorrow" }, status: 400, code: "validation.failed" },
  { body: { cidr: "" }, status: 400, code: "validation.failed" },
  { body: {}, status: 400, code: "validation.failed" },
]) {
  test(`${JSON.stringify(body)} is refused as ${code} and writes nothing`, async () => {
    const [before] = await sql.query("SELECT COUNT(*) AS n FROM access_entries");
    const answer = await operator("POST", "/lists/deny", body);
    assert.deepEqual([answer.status, answer.body.code], [status, code]);
    const [rows] = await sql.query("SELECT COUNT(*) AS n FROM access_entries");
    assert.deepEqual(rows, before);
  });
}

test("an explanation names country, list entry and rule, step by step", async () => {
  await operator("PUT", "/policy", denying("CN"), { "if-match": await revisionInForce() });
  const explain = async (ip: string) =>
    (await operator("POST", "/policy/explain", { ip, method: "GET", path: "/products?x=1" })).body;
  const byRule = await explain("1.2.4.8");
  assert.equal(byRule.country, "CN");
  assert.deepEqual(
    [byRule.action, byRule.status, byRule.reason, byRule.rule],
    ["deny", 403, "rule", "no-cn"],
  );
  const { id } = (await operator("POST", "/lists/allow", { cidr: "1.2.4.0/24" })).body;
  const byList = await explain("::ffff:1.2.4.8");
  assert.deepEqual([byList.action, byList.reason, byList.address], ["allow", "allow-list", "1.2.4.8"]);
  assert.deepEqual(byList.steps, [{ step: "allow-list", id: String(id), matched: true }]);
  assert.equal((await explain("10.0.0.1")).country, "ZZ");
  assert.equal((await explain("10.0.0.1x")).code, "access.address_invalid");
  await operator("DELETE", "/lists/allow?cidr=1.2.4.0/24");
});

test("an explanation names the limits that the edge would charge, as it would count them", async () => {
  const limit = { key: "address", requests: 10, seconds: 60 };
  const rules = [
    { id: "all", match: {}, action: "limit", mode: "observe", limit },
    { id: "others", match: { method: ["POST"] }, action: "limit", mode: "enforce", limit },
    { id: "friends", match: { cidr: ["10.0.0.0/8"] }, action: "allow", mode: "enforce" },
    { id: "late", match: {}, action: "limit", mode: "enforce", limit: { ...limit, key: "user", burst: 2 } },
  ];
  await operator("PUT", "/policy", { rules, default: "allow" }, { "if-match": await revisionInForce() });
  const explain = async (ip: string) => {
    const { body } = await operator("POST", "/policy/explain", { ip, method: "GET", path: "/products" });
    return [body.action, body.limits, body.steps.map(({ step }: { step: string }) => step)];
  };
  const all = { rule: "all", mode: "observe", ...limit, burst: 10 };
  const lists = ["allow-list", "deny-list", "observed-limit", "limit", "rule"];
  assert.deepEqual(await explain("10.0.0.1"), ["allow", [all], lists]);
  assert.deepEqual(await explain("192.0.2.1"), [
    "allow",
    [all, { rule: "late", mode: "enforce", ...limit, key: "user", burst: 2 }],
    [...lists, "limit", "default"],
  ]);
  assert.equal((await operator("POST", "/lists/allow", { cidr: "192.0.2.1" })).status, 201);
  assert.deepEqual(await explain("192.0.2.1"), ["allow", [], ["allow-list"]]);
  await operator("DELETE", "/lists/allow?cidr=192.0.2.1");
});

test("an explanation reads the path as the edge does, and knows that the edge wants it plain", async () => {
  const id = "no-orders";
  const match = { pathPrefix: "/orders" };
  const rules = [{ id, match, action: "deny", mode: "enforce" }];
  const policy = { rules, default: "allow" };
  await operator("PUT", "/policy", policy, { "if-match": await revisionInForce() });
  const explain = async (path: string) => {
    const asked = { ip: "10.0.0.1", method: "GET", path };
    const { body } = await operator("POST", "/policy/explain", asked);
    return [body.path, body.action, body.status, body.reason, body.steps.at(-1).step];
  };
  const denied = (path: string) => [path, "deny", 403, "rule", "rule"];
  assert.deepEqual(await explain("/orders/7?x=1"), denied("/orders/7"));
  assert.deepEqual(await explain("/products/../orders"), denied("/orders"));
  assert.deepEqual(await explain("//%6frders"), denied("/orders"), "the policy comes before the form");
  assert.deepEqual(await explain("/orders/../products"), [
    "/products",
    "deny",
    400,
    "path",
    "path-not-plain",
  ]);
  assert.deepEqual(await explain("/products/%31"), ["/products/1", "deny", 400, "path", "path-not-plain"]);
  assert.deepEqual(await explain("/orders/../.."), [null, "deny", 400, "path", "path-unreadable"]);
  assert.deepEqual(await explain("/products?x=/../.."), ["/products", "allow", 0, "default", "default"]);
});

test("an explanation, which loads a few blocks only, equals the decision over the whole lists", async () => {
  const octets = fc
    .tuple(...[1, 2, 3, 4].map(() => fc.constantFrom(0, 1, 2, 255)))
    .map((bytes) => bytes.join("."));
  const cidr = fc.tuple(octets, fc.integer({ min: 0, max: 32 })).map(([base, length]) => `${base}/${length}`);
  const lists = fc.record({
    allow: fc.array(cidr, { maxLength: 6 }),
    deny: fc.array(cidr, { maxLength: 6 }),
    asked: fc.array(octets, { minLength: 3, maxLength: 3 }),
  });
  const document = (await operator("GET", "/policy")).body as PolicyDocument;
  await fc.assert(
    fc.asyncProperty(lists, async ({ allow, deny, asked }) => {
      await sql.query("DELETE FROM access_entries");
      const state = {
        allow: createAddressTable(),
        deny: createAddressTable(),
        policy: compilePolicy(document),
      };
      for (const [list, cidrs] of [
        ["allow", allow],
        ["deny", deny],
      ] as const) {
        for (const text of cidrs) {
          const { id } = (await operator("POST", `/lists/${list}`, { cidr: text })).body;
          const parsed = parseCidr(text);
          assert(parsed);
          setBlock(state[list], parsed, id, 0, 0);
          assert.equal(
            formatCidr(parsed),
            formatCidr({ ...parsed, base: maskAddress(parsed.base, parsed.length) }),
          );
        }
      }
      for (const ip of asked) {
        const explained = (await operator("POST", "/policy/explain", { ip, method: "GET", path: "/" })).body;
        const address = parseAddress(ip);
        assert(address);
        assert.equal(explained.address, formatAddress(address));
        const trace = { steps: [] };
        const verdict = decide(
          state,
          {
            address,
            country: explained.country,
            asn: explained.asn,
            method: "GET",
            path: "/",
            host: "",
            nowMs,
          },
          trace,
        );
        const { action, status, reason, rule, steps } = explained;
        assert.deepEqual({ action, status, reason, rule, steps }, { ...verdict, steps: trace.steps });
      }
    }),
    { numRuns: 25 },
  );
});
