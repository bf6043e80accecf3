import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Conditions, PolicyDocument, PolicyRule } from "@sluice/contract/policy/document.ts";
import { type Pick, picker } from "../../contract/cases/picker.ts";
import type { Answer } from "../src/client.ts";
import { eventually } from "../src/eventually.ts";
import { shareSystem } from "../src/journey-system.ts";
import { Shopper } from "../src/shopper.ts";
import type { System } from "../src/system.ts";
import { operatedShop } from "./operated-shop.ts";

const PROPAGATION_MS = 1_000;
/** Recorded within a quarter of a second; the rest is for a noisy machine. */
const RECORDED_MS = 2_000;

let system: System;
let shoppers: Shopper[];

before(async () => {
  system = await shareSystem(operatedShop);
  shoppers = await Promise.all([1, 2].map(() => Shopper.join(system.edge)));
});

after(async () => {
  await system?.close();
});

const DOCUMENTS = 15;
const REQUESTS_OF_EACH = 40;
const ADDRESSES = ["133.1.1.1", "46.4.0.1", "46.4.200.7", "8.8.8.8", "2a01:4f8::1", "2a01:4f8:0:1::1"];
/** With what is answered when the policy lets it in, and whether somebody is signed in. */
const TARGETS = [
  ["GET", "/products", 200, "nobody"],
  ["HEAD", "/products", 200, "nobody"],
  ["GET", "/openapi.json", 200, "nobody"],
  ["DELETE", "/products", 405, "nobody"],
  ["GET", "/orders", 401, "nobody"],
  ["GET", "/orders", 200, "somebody"],
  ["GET", "/orders", 200, "somebody"],
  ["GET", "/nowhere/at/all", 404, "nobody"],
] as const;

interface Asked {
  answer: Answer;
  /** What is answered when nothing refuses it. */
  allowed: number;
  user: Shopper | undefined;
  request: { ip: string; method: string; path: string };
}

interface Explained {
  action: "allow" | "deny";
  status: number;
  reason: string;
  rule: string;
  limits: { rule: string; mode: string; key: string; requests: number }[];
}

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
    const asked: Asked[] = [];
    for (let i = 0; i < REQUESTS_OF_EACH; i++) asked.push(await askSomething(pick));
    const explanations = await Promise.all(
      asked.map(async ({ request }) => (await ops.post("/policy/explain", request)).body as Explained),
    );
    const used = new Map<string, number>();
    for (const [index, one] of asked.entries()) {
      const explanation = explanations[index] as Explained;
      const context = JSON.stringify({ request: one.request, explanation, document });
      assert.deepEqual(outcomeOf(one), expectedOutcome(one, explanation, used), context);
      explained += 1;
    }
    const verdicts = new Map(
      asked.map(({ request }, index) => [keyOf(request), explanations[index] as Explained]),
    );
    await compareWithDryRun(document, since, asked.length, verdicts);
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

async function askSomething(pick: Pick): Promise<Asked> {
  const ip = pick(ADDRESSES);
  const [method, path, allowed, who] = pick(TARGETS);
  const user = who === "somebody" ? pick(shoppers) : undefined;
  const token = user === undefined ? {} : { token: user.accessToken };
  const answer = await system.edge.request(method, path, { from: ip, ...token });
  return { answer, allowed, user, request: { ip, method, path } };
}

const keyOf = ({ ip, method, path }: Asked["request"]) => `${ip} ${method} ${path}`;

interface Outcome {
  status: number;
  /** The limit that is used up. */
  limit: string | undefined;
}

/** A 429 tells of the limit that refuses; other answers may tell of one that has something left. */
function outcomeOf({ answer: { status, headers } }: Asked): Outcome {
  const field = status === 429 ? headers.get("ratelimit") : undefined;
  return { status, limit: field?.match(/^"([^"]+)"/)?.[1] };
}

/**
 * How much is left of limits by address and by route the dry run knows, which is compared below; those by user it can't
 * know, so they are counted here. None gives anything back before the test is over.
 */
function expectedOutcome(asked: Asked, explanation: Explained, used: Map<string, number>): Outcome {
  const { action, status, limits } = explanation;
  if (action === "deny") return { status, limit: undefined };
  const seen = outcomeOf(asked);
  const isCountedElsewhere = limits.some(
    ({ rule, mode, key }) => rule === seen.limit && mode === "enforce" && key !== "user",
  );
  if (isCountedElsewhere) return { status: 429, limit: seen.limit };
  for (const { rule, mode, key, requests } of limits) {
    if (key !== "user" || asked.user === undefined) continue;
    const counter = `${rule} ${asked.user.username}`;
    const count = used.get(counter) ?? 0;
    if (count < requests) used.set(counter, count + 1);
    else if (mode === "enforce") return { status: 429, limit: rule };
  }
  return { status: asked.allowed, limit: undefined };
}

/**
 * What the draft that is in force "would have done" to what was recorded is what the edge did to it, but for limits by
 * user, of which the record knows nothing: what they refused, something else had let in.
 */
async function compareWithDryRun(
  document: PolicyDocument,
  since: string,
  requests: number,
  verdicts: ReadonlyMap<string, Explained>,
): Promise<void> {
  const report = await eventually("all are recorded", RECORDED_MS, async () => {
    const { body } = await system.ops.post("/policy/dry-run", { document, since });
    return body.requests >= requests ? body : undefined;
  });
  const byUser = new Set(document.rules.filter(({ limit }) => limit?.key === "user").map(({ id }) => id));
  const { body } = await system.ops.get("/decisions?limit=100");
  const did = new Map<string, number>();
  for (const decision of body.decisions) {
    if (decision.atMs < Date.parse(since)) continue;
    const letIn = byUser.has(decision.rule) ? verdicts.get(keyOf(decision)) : decision;
    const name = `${letIn.reason} ${letIn.rule}`;
    did.set(name, (did.get(name) ?? 0) + 1);
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
    const limit = {
      key: pick(["address", "route", "user"] as const),
      requests: pick([1, 2, 5]),
      seconds: 3_600,
    };
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
