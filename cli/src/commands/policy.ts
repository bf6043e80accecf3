import type { Command } from "commander";
import { callOperators } from "../operators/client.ts";
import { readPolicyFile } from "../operators/policy-file.ts";
import { formatTable } from "../operators/table.ts";
import { dryRun } from "./dry-run.ts";
import { finish } from "./finish.ts";

interface Attribution {
  reason: string | undefined;
  author: string | undefined;
  json?: boolean;
}

/** The access policy as a document: read it, ask what it would do, replace it, go back. */
export function addPolicyCommands(program: Command): void {
  const policy = program
    .command("policy")
    .description("the access policy: rules by country, network, path, method");
  policy
    .command("show")
    .description("print the document in force, or an earlier one; its revision goes to stderr")
    .option("--revision <n>", "an earlier revision")
    .action((options) => finish(show(options.revision)));
  policy
    .command("explain")
    .description("what the edge would do with a request, step by step")
    .argument("<ip>", "the client's address")
    .argument("[method]", "its method", "GET")
    .argument("[path]", "its path", "/products")
    .option("--host <name>", "the host that it asks for")
    .option("--json", "for programs")
    .action((ip, method, path, { host, ...options }) =>
      finish(explain({ ip, method: method.toUpperCase(), path, host }, options)),
    );
  policy
    .command("dry-run")
    .description("what a draft would have done to recorded requests, and what would be answered otherwise")
    .argument("<file>", "JSON, as for `publish`")
    .option("--since <duration>", "only what was recorded within the last 30m, 12h, 7d")
    .option("--requests <file>", 'try these instead: a line {"ip","method","path","host"} for each')
    .option("--json", "for programs")
    .action((file, options) => finish(dryRun(file, options)));
  policy
    .command("revisions")
    .description("what was published, when, by whom and why; the latest first")
    .option("--limit <n>", "how many, at most 100", "20")
    .option("--json", "for programs")
    .action((options) => finish(revisions(options)));
  policy
    .command("diff")
    .description("what changed from one revision to another")
    .argument("<from>", "the earlier revision")
    .argument("<to>", "the later one")
    .option("--json", "for programs")
    .action((from, to, options) => finish(diff(from, to, options)));
  addAttribution(policy.command("publish"))
    .description("replace the whole document")
    .argument("<file>", "JSON")
    .requiredOption(
      "--replaces <revision>",
      "the revision that the file was made from (`policy show` tells it)",
    )
    .action((file, options) => finish(publish(file, options.replaces, options)));
  addAttribution(policy.command("restore"))
    .description("publish an earlier revision again")
    .argument("<revision>")
    .action((revision, options) => finish(restore(revision, options)));
}

function addAttribution(command: Command): Command {
  return command
    .option("-r, --reason <text>", "why, for the record")
    .option("--author <name>", "who, for the record")
    .option("--json", "for programs");
}

async function show(revision: string | undefined): Promise<number> {
  const path = revision === undefined ? "/policy" : `/policy/revisions/${encodeURIComponent(revision)}`;
  const { body, etag } = await callOperators("GET", path);
  const document = revision === undefined ? body : (body as { document: unknown }).document;
  console.error(`revision ${revision ?? etag}`);
  print(document);
  return 0;
}

interface Explained {
  action: "allow" | "deny";
  status: number;
  reason: string;
  rule: string;
  country: string;
  asn: number;
  address: string;
  revision: number;
  steps: { step: string; id: string; matched: boolean }[];
  limits: { rule: string; mode: string; key: string; requests: number; seconds: number; burst: number }[];
}

async function explain(
  request: { ip: string; method: string; path: string; host?: string },
  options: { json?: boolean },
): Promise<number> {
  const { body } = await callOperators("POST", "/policy/explain", { body: request });
  if (options.json) {
    print(body);
    return 0;
  }
  const explained = body as Explained;
  const { address, country, asn, revision, action, status, steps, limits } = explained;
  console.log(
    `${request.method} ${request.path} from ${address} (${country}, ${asn === 0 ? "network unknown" : `AS${asn}`}), policy revision ${revision}`,
  );
  for (const { step, id, matched } of steps) {
    console.log(`  ${step.padEnd(14)} ${id.padEnd(24)} ${matched ? "matches" : "-"}`.trimEnd());
  }
  console.log(action === "allow" ? "allowed" : `refused with ${status}`);
  for (const { rule, mode, key, requests, seconds, burst } of limits) {
    const rate = `${requests} in ${seconds} s, ${burst} at once, by ${key}`;
    console.log(mode === "enforce" ? `  unless ${rule} is used up: ${rate}` : `  ${rule} watches: ${rate}`);
  }
  return 0;
}

async function revisions({ limit, json }: { limit: string; json?: boolean }): Promise<number> {
  const { body } = await callOperators("GET", "/policy/revisions", { query: { limit } });
  if (json) {
    print(body);
    return 0;
  }
  const page = body as {
    revisions: { revision: number; author: string; reason: string; createdAt: string }[];
  };
  const rows = page.revisions.map(({ revision, author, reason, createdAt }) => {
    return [revision, createdAt, author, reason];
  });
  console.log(formatTable(["revision", "published", "by", "reason"], rows));
  return 0;
}

interface PolicyDiff {
  default?: { from: string; to: string };
  added: { id: string }[];
  removed: { id: string }[];
  changed: { id: string; members: { member: string; from?: unknown; to?: unknown }[] }[];
  moved: { id: string; from: number; to: number }[];
}

async function diff(from: string, to: string, options: { json?: boolean }): Promise<number> {
  const path = `/policy/revisions/${encodeURIComponent(to)}`;
  const { body } = await callOperators("GET", path, { query: { diff: from } });
  const found = body as { author: string; reason: string; createdAt: string; diff: PolicyDiff };
  if (options.json) {
    print(found.diff);
    return 0;
  }
  console.log(`revision ${to}, ${found.createdAt}, ${found.author}: ${found.reason}`);
  for (const line of diffLines(found.diff)) console.log(line);
  return 0;
}

function diffLines({ default: fallback, added, removed, changed, moved }: PolicyDiff): string[] {
  const text = (value: unknown) => (value === undefined ? "none" : JSON.stringify(value));
  const lines = [
    ...(fallback === undefined ? [] : [`~ default: ${fallback.from} → ${fallback.to}`]),
    ...removed.map((rule) => `- ${JSON.stringify(rule)}`),
    ...added.map((rule) => `+ ${JSON.stringify(rule)}`),
    ...changed.flatMap(({ id, members }) =>
      members.map(({ member, from, to }) => `~ ${id} ${member}: ${text(from)} → ${text(to)}`),
    ),
    ...moved.map(({ id, from, to }) => `~ ${id} moved ${to < from ? "up" : "down"}, from ${from} to ${to}`),
  ];
  return lines.length === 0 ? ["no difference"] : lines;
}

async function publish(file: string, replaces: string, attribution: Attribution): Promise<number> {
  const document = readPolicyFile(file);
  const headers = { "if-match": `"${replaces}"` };
  const { body } = await callOperators("PUT", "/policy", {
    body: document,
    headers,
    query: recorded(attribution),
  });
  tellPublished("published", body as Published, attribution.json);
  return 0;
}

async function restore(revision: string, attribution: Attribution): Promise<number> {
  const path = `/policy/revisions/${encodeURIComponent(revision)}/restore`;
  const { body } = await callOperators("POST", path, { query: recorded(attribution) });
  tellPublished("restored", body as Published, attribution.json);
  return 0;
}

interface Published {
  revision: number;
  warnings: string[];
}

function tellPublished(how: string, published: Published, json = false): void {
  if (json) {
    print(published);
    return;
  }
  console.log(`${how} as revision ${published.revision}`);
  for (const warning of published.warnings) console.error(`but ${warning}`);
}

/** Of all options of the command only those that go on record. */
function recorded({ reason, author }: Attribution): Record<string, string | undefined> {
  return { reason, author };
}

function print(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}
