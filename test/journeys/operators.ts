import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Conditions, PolicyDocument, PolicyRule } from "@sluice/contract/policy/document.ts";
import { type Pick, picker } from "../../contract/cases/picker.ts";
import { eventually } from "../src/eventually.ts";
import { shareSystem } from "../src/journey-system.ts";
import type { System } from "../src/system.ts";
import { operatedShop } from "./operated-shop.ts";

const ADDRESS_IN_JAPAN = "133.1.1.1";
const ADDRESS_IN_GERMANY = "46.4.0.1";
const PROPAGATION_MS = 1_000;
/** Recorded within a quarter of a second, counted within one; twice that for a noisy machine. */
const RECORDED_MS = 2_000;

let system: System;

before(async () => {
  system = await shareSystem(operatedShop);
});

after(async () => {
  await system?.close();
});

test("a rule is tried on the record, explained, published, watched and taken back", async () => {
  const { edge, ops } = system;
  const path = "/products?limit=3";
  const before = await ops.get("/policy");
  const revision = before.headers.get("etag") as string;
  const since = new Date().toISOString();
  for (let i = 0; i < 6; i++) assert.equal((await edge.get(path, { from: ADDRESS_IN_JAPAN })).status, 200);
  for (let i = 0; i < 4; i++) assert.equal((await edge.get(path, { from: ADDRESS_IN_GERMANY })).status, 200);

  const draft = {
    rules: [
      {
        id: "no-asia",
        match: { continent: ["AS"], pathPrefix: "/products", not: { cidr: ["133.1.1.128/25"] } },
        action: "deny",
        mode: "enforce",
        status: 451,
      },
    ],
    default: "allow",
  };
  const report = await eventually("all are recorded", RECORDED_MS, async () => {
    const { body } = await ops.post("/policy/dry-run", { document: draft, since });
    return body.requests === 10 ? body : undefined;
  });
  assert.deepEqual([report.deniedToday, report.deniedByDraft, report.changes.count], [0, 6, 6]);
  assert.equal(report.changes.examples[0].ip, ADDRESS_IN_JAPAN);

  await ops.put("/policy", draft, { headers: { "if-match": revision } });
  const answerTo = async (from: string) => (await edge.get(path, { from })).status;
  for (const [from, status] of [
    [ADDRESS_IN_JAPAN, 451],
    ["133.1.1.129", 200],
    [ADDRESS_IN_GERMANY, 200],
  ] as const) {
    await eventually(`${from} gets ${status}`, PROPAGATION_MS, async () =>
      (await answerTo(from)) === status ? true : undefined,
    );
    const { body } = await ops.post("/policy/explain", {
      ip: from,
      method: "GET",
      path,
      host: "shop.example",
    });
    assert.equal(body.action === "deny" ? body.status : 200, status, "explained as the edge does it");
  }

  const denied = await eventually("the denial is listed", RECORDED_MS, async () => {
    const { body } = await ops.get("/decisions?rule=no-asia&limit=1");
    return body.decisions[0];
  });
  assert.deepEqual([denied.ip, denied.status, denied.path], [ADDRESS_IN_JAPAN, 451, "/products"]);
  await eventually("the denial is counted", RECORDED_MS, async () => {
    const { body } = await ops.get("/metrics");
    return /sluice_access_decisions_total\{reason="rule",rule="no-asia",action="deny",status="451"\} \d+/.test(
      body,
    )
      ? true
      : undefined;
  });

  const restored = await ops.post(`/policy/revisions/${revision.replaceAll('"', "")}/restore`);
  assert.equal(restored.status, 200);
  await eventually("everybody may pass again", PROPAGATION_MS, async () =>
    (await answerTo(ADDRESS_IN_JAPAN)) === 200 ? true : undefined,
  );
});

const DOCUMENTS = 15;
const REQUESTS_OF_EACH = 40;
const ADDRESSES = [
  ADDRESS_IN_JAPAN,
  ADDRESS_IN_GERMANY,
  "46.4.200.7",
  "8.8.8.8",
  "2a01:4f8::1",
  "2a01:4f8:0:1::1",
];
/** With what is answered when the policy lets it in. */
const TARGETS = [
  ["GET", "/products", 200],
  ["HEAD", "/products", 200],
  ["GET", "/openapi.json", 200],
  ["DELETE", "/products", 405],
  ["GET", "/orders", 401],
  ["GET", "/nowhere/at/all", 404],
] as const;

test("generated policies: what explain and dry run say is what the edge does", async (t) => {
  const { edge, ops } = system;
  const seed = Number(process.env.SLUICE_SEED ?? Date.now() % 0x7fff_ffff);
  t.diagnostic(`seed ${seed}`);
  const pick = picker(seed);
  const first = (await ops.get("/policy")).headers.get("etag") as string;
  let explained = 0;
  for (let number = 1; number <= DOCUMENTS; number++) {
    const document = generatedDocument(pick, number);
    const { headers } = await ops.get("/policy");
    const revision = headers.get("etag") as string;
    const published = await ops.put("/policy", document, { headers: { "if-match": revision } });
    assert.equal(published.status, 200, JSON.stringify(published.body));
    let markers = 0;
    // Both workers, each several times.
    await eventually("it is in force", PROPAGATION_MS, async () => {
      for (let i = 0; i < 8; i++) {
        markers += 1;
        const answer = await edge.get(`/marker-${number}`, { headers: { connection: "close" } });
        if (answer.status !== 451) return undefined;
      }
      return true;
    });
    await eventually("markers are recorded, and no more to come", RECORDED_MS, async () => {
      const { body } = await ops.get(`/decisions?pathPrefix=/marker-${number}&limit=1000`);
      const own = body.decisions.filter(({ path }: { path: string }) => path === `/marker-${number}`);
      return own.length === markers ? true : undefined;
    });
    const since = new Date().toISOString();
    const answers: { status: number; allowed: number; ip: string; method: string; path: string }[] = [];
    for (let i = 0; i < REQUESTS_OF_EACH; i++) {
      const ip = pick(ADDRESSES);
      const [method, path, allowed] = pick(TARGETS);
      const { status } = await edge.request(method, path, { from: ip });
      answers.push({ status, allowed, ip, method, path });
    }
    const explanations = await Promise.all(
      answers.map(({ ip, method, path }) => ops.post("/policy/explain", { ip, method, path })),
    );
    for (const [index, { status, allowed, ...request }] of answers.entries()) {
      const { body } = explanations[index] as (typeof explanations)[number];
      const expected = body.action === "deny" ? body.status : allowed;
      // How much is left of a limit only the edge knows: the dry run below does.
      const mayBeLimited = body.limits.some(({ mode }: { mode: string }) => mode === "enforce");
      if (!(mayBeLimited && status === 429)) {
        assert.equal(status, expected, JSON.stringify({ request, explanation: body, document }));
      }
      explained += 1;
    }
    await compareWithDryRun(document, since, answers.length);
  }
  assert.equal(explained, DOCUMENTS * REQUESTS_OF_EACH);
  await ops.post(`/policy/revisions/${first.replaceAll('"', "")}/restore`);
  await eventually("everybody may pass again", PROPAGATION_MS, async () => {
    for (let i = 0; i < 8; i++) {
      const answer = await edge.get("/products", { headers: { connection: "close" } });
      if (answer.status !== 200) return undefined;
    }
    return true;
  });
});

/** What the draft that is in force "would have done" to what was recorded is what the edge did to it. */
async function compareWithDryRun(document: PolicyDocument, since: string, requests: number): Promise<void> {
  const report = await eventually("all are recorded", RECORDED_MS, async () => {
    const { body } = await system.ops.post("/policy/dry-run", { document, since });
    return body.requests >= requests ? body : undefined;
  });
  const { body } = await system.ops.get("/decisions?limit=100");
  const did = new Map<string, number>();
  for (const { atMs, reason, rule } of body.decisions) {
    if (atMs < Date.parse(since)) continue;
    did.set(`${reason} ${rule}`, (did.get(`${reason} ${rule}`) ?? 0) + 1);
  }
  const would = new Map<string, number>();
  for (const { reason, rule, draft } of report.byRule) if (draft > 0) would.set(`${reason} ${rule}`, draft);
  assert.deepEqual([...would].sort(), [...did].sort(), JSON.stringify(document));
  assert.equal(report.requests, requests);
  assert.equal(report.changes.count, 0, "draft and policy in force are one");
}

function generatedDocument(pick: Pick, number: number): PolicyDocument {
  const rules: PolicyRule[] = [
    { id: "marker", match: { path: [`/marker-${number}`] }, action: "deny", mode: "enforce", status: 451 },
  ];
  const count = pick([1, 2, 3, 5]);
  for (let i = 0; i < count; i++) {
    const not = generatedConditions(pick);
    const action = pick(["allow", "deny", "limit", "limit"] as const);
    const status = pick([403, 404, 451] as const);
    const limit = { key: pick(["address", "route"] as const), requests: pick([1, 2, 5]), seconds: 3_600 };
    rules.push({
      // What is counted of a limit goes on under its name.
      id: `rule-${number}-${i}`,
      match: { ...generatedConditions(pick), ...(Object.keys(not).length > 0 ? { not } : {}) },
      action,
      mode: pick(["enforce", "enforce", "observe"] as const),
      ...(action === "deny" ? { status } : {}),
      ...(action === "limit" ? { limit } : {}),
    });
  }
  return { rules, default: pick(["allow", "allow", "deny"] as const) };
}

function generatedConditions(pick: Pick): Conditions {
  return pick<Conditions>([
    {},
    {},
    { country: pick([["DE"], ["JP", "US"], ["ZZ"]]) },
    { continent: pick([["EU"], ["AS", "NA"]]) },
    { asn: pick([[24_940], [2_907, 64_500], [0]]) },
    { cidr: pick([["46.4.200.0/24"], ["2a01:4f8::/48", "133.0.0.0/8"], ["0.0.0.0/0"], ["::/0"]]) },
    { method: pick([["GET"], ["DELETE", "HEAD"]]), pathPrefix: pick(["/", "/products"]) },
    { path: pick([["/products", "/orders"], ["/nowhere/**"], ["/*"]]) },
  ]);
}
