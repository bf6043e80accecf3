import { writeFileSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { reportPage } from "../simulation/page.ts";
import { reportText } from "../simulation/report.ts";
import { simulateSale } from "../simulation/sale-run.ts";
import { longestSilenceMs } from "../simulation/tally.ts";
import { PARTS, type PartName } from "../system/parts.ts";
import { finish } from "./finish.ts";

interface SimulateOptions {
  buyers: number;
  stock: number;
  perUser: number;
  perSecond?: number;
  spread: number;
  seed: number;
  seeds: number;
  kills: PartName[];
  connections: number;
  html?: string;
  json?: string;
}

/** A sale that was sold within an instant would show nothing: without a rate it takes about so long. */
const SELLING_SECONDS = 10;
const PATIENCE_SECONDS = 120;

export function addSimulateCommand(program: Command): void {
  program
    .command("simulate")
    .description("a crowd, on a system of its own that is gone afterwards")
    .command("sale")
    .description("a flash sale over HTTP; exit code 1 when anything is not as it should be")
    .option("--buyers <count>", "people who want a piece", whole, 10_000)
    .option("--stock <pieces>", "for sale", whole, 500)
    .option("--per-user <pieces>", "that one may have", whole, 1)
    .option("--per-second <count>", `admissions a second; so that selling takes ${SELLING_SECONDS} s`, whole)
    .option("--spread <seconds>", "over which buyers come", whole, 10)
    .option("--seed <number>", "brings the same crowd again", whole, 1)
    .option("--seeds <count>", "runs so many, from that seed on", whole, 1)
    .option(
      "--kills <parts>",
      "kill -9 each of them in the middle: redis,worker,relay,api,rabbitmq",
      parts,
      [],
    )
    .option("--connections <count>", "of the crowd", whole, 200)
    .option("--html <file>", "the report as a page with charts")
    .option("--json <file>", "the report for programs")
    .action((options: SimulateOptions) => finish(simulate(options)));
}

async function simulate({
  perSecond,
  spread,
  seeds,
  html,
  json,
  ...options
}: SimulateOptions): Promise<number> {
  const results = [];
  for (let seed = options.seed; seed < options.seed + seeds; seed++) {
    const result = await simulateSale({
      ...options,
      seed,
      perSecond: perSecond ?? Math.max(1, Math.ceil(options.stock / SELLING_SECONDS)),
      spreadSeconds: spread,
      patienceSeconds: PATIENCE_SECONDS,
      say: (text) => console.error(`  ${text}`),
    });
    results.push(result);
    console.log(`\n${reportText(result)}\n`);
    if (html !== undefined) writeFileSync(html, reportPage(result));
  }
  if (json !== undefined) writeFileSync(json, JSON.stringify(results.map(forPrograms), null, 2));
  const failed = results.filter(({ faults }) => faults.length > 0).map(({ plan }) => plan.seed);
  if (seeds > 1) console.log(`${results.length} sales, not well: ${failed.join(", ") || "none"}`);
  return failed.length === 0 ? 0 : 1;
}

function forPrograms({ plan, tally, ...result }: Awaited<ReturnType<typeof simulateSale>>) {
  const { people, winners, requests, admitted, confirmed, outcomes, refusals } = tally;
  return {
    ...result,
    seed: plan.seed,
    ...{ people, winners, requests, admitted, confirmed },
    outcomes: Object.fromEntries(outcomes),
    refusals: Object.fromEntries(refusals),
    silenceMs: {
      admissions: longestSilenceMs(tally.admittedAtMs),
      confirmations: longestSilenceMs(tally.confirmedAtMs),
    },
  };
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It is a whole number.");
  return Number(text);
}

function parts(text: string): PartName[] {
  const names = text.split(",").filter((name) => name !== "");
  const unknown = names.filter((name) => !(PARTS as readonly string[]).includes(name));
  if (unknown.length > 0) throw new InvalidArgumentError(`No part is called ${unknown.join(", ")}.`);
  return names as PartName[];
}
