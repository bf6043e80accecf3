import { createReadStream } from "node:fs";
import { streamOperators } from "../operators/client.ts";
import { instantBefore } from "../operators/duration.ts";
import { readPolicyFile } from "../operators/policy-file.ts";
import { formatTable } from "../operators/table.ts";

interface Options {
  since?: string;
  requests?: string;
  json?: boolean;
}

interface Verdict {
  action: string;
  status: number;
  reason: string;
  rule: string;
}

interface Request {
  ip: string;
  country: string;
  method: string;
  path: string;
}

interface Report {
  revision: number;
  requests: number;
  standFor: number;
  skipped: number;
  deniedToday: number;
  deniedByDraft: number;
  changes: { count: number; examples: (Request & { today: Verdict; draft: Verdict })[] };
  byRule: {
    reason: string;
    rule: string;
    today: number;
    draft: number;
    observed: number;
    samples: Request[];
  }[];
  limitsNotTried: { rule: string; because: keyof typeof NOT_TRIED; requests: number }[];
  byCountry: { country: string; requests: number; deniedToday: number; deniedByDraft: number }[];
}

/** A table is for reading; `--json` has everything. */
const ROWS_MAX = 20;

/** Why a limit was not tried. */
const NOT_TRIED = {
  "user-unknown": "the record has no users",
  "route-unknown": "their route is not known",
  "time-unknown": 'their time ("at") is not known',
  "address-truncated": "their addresses are truncated",
} as const;

export async function dryRun(file: string, { since, requests, json }: Options): Promise<number> {
  const document = readPolicyFile(file);
  const from = since === undefined ? undefined : instantBefore(since, new Date());
  const answers =
    requests === undefined
      ? streamOperators("/policy/dry-run", "application/json", [JSON.stringify({ document, since: from })])
      : streamOperators("/policy/dry-run", "application/x-ndjson", upload(document, requests));
  let report: Report | undefined;
  for await (const answer of answers) {
    const line = answer as { done: number; total: number | null } | { report: Report };
    if ("report" in line) report = line.report;
    else tellProgress(line);
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  if (report === undefined) throw new Error("the answer ended before the report: see the log of api");
  console.log(json ? JSON.stringify(report, null, 2) : tables(report));
  return 0;
}

async function* upload(document: unknown, file: string): AsyncGenerator<string> {
  yield `${JSON.stringify({ document })}\n`;
  yield* createReadStream(file, "utf8");
}

function tellProgress({ done, total }: { done: number; total: number | null }): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\x1b[K  … ${done}${total === null ? "" : ` of ${total}`} tried`);
}

function tables(report: Report): string {
  const {
    requests,
    standFor,
    skipped,
    limitsNotTried,
    changes,
    deniedToday,
    deniedByDraft,
    byRule,
    byCountry,
  } = report;
  const rules = byRule
    .slice(0, ROWS_MAX)
    .map((one) => [
      one.rule === "" ? `(${one.reason})` : one.rule,
      one.today,
      one.draft,
      one.observed,
      one.samples.map(({ ip, method, path }) => `${ip} ${method} ${path}`)[0] ?? "",
    ]);
  const countries = byCountry
    .slice(0, ROWS_MAX)
    .map((one) => [one.country, one.requests, one.deniedToday, one.deniedByDraft]);
  const examples = changes.examples
    .slice(0, ROWS_MAX)
    .map((one) => [one.ip, one.country, one.method, one.path, words(one.today), words(one.draft)]);
  const thinned =
    standFor > requests ? [`they stand for ${standFor}: limits would refuse more than is told here`] : [];
  const untried = limitsNotTried.map(
    (one) => `limit ${one.rule} was not tried on ${one.requests} requests: ${NOT_TRIED[one.because]}`,
  );
  return [
    `${requests} requests tried against revision ${report.revision}${skipped > 0 ? `, ${skipped} not readable` : ""}`,
    `denied today ${deniedToday}, by the draft ${deniedByDraft}; ${changes.count} would be answered otherwise`,
    ...thinned,
    ...untried,
    `\n${formatTable(["decided by", "today", "draft", "observed", "for example"], rules)}`,
    `\n${formatTable(["country", "requests", "denied today", "by the draft"], countries)}`,
    ...(examples.length === 0
      ? []
      : [`\n${formatTable(["changes", "country", "method", "path", "today", "draft"], examples)}`]),
  ].join("\n");
}

function words({ action, status, reason, rule }: Verdict): string {
  return `${action === "deny" ? status : "allow"} (${rule === "" ? reason : rule})`;
}
