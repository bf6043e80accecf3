import { parseArgs } from "node:util";
import { startThrowawaySystem } from "../../cli/src/system/throwaway.ts";
import { runCampaign } from "./campaign.ts";

const HELP = `npm run test:load -- [--publications N] [--bans N] [--bound MS]

Publishes rules and lets bans come and go under load, and counts what goes wrong: requests that fail, and verdicts
that are still wrong so many milliseconds after their change was acknowledged.

  --publications N  revisions of the policy (100)
  --bans N          entries of the deny list that come and go (100000)
  --bound MS        from when on a wrong verdict is an error (1000)`;

const WORKERS = "4";

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      publications: { type: "string", default: "100" },
      bans: { type: "string", default: "100000" },
      bound: { type: "string", default: "1000" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [publications, bans, boundMs] = [values.publications, values.bans, values.bound].map(Number) as [
    number,
    number,
    number,
  ];
  const areNumbers = [publications, bans, boundMs].every((value) => Number.isInteger(value) && value > 0);
  if (values.help || !areNumbers) {
    console.log(HELP);
    return values.help ? 0 : 2;
  }
  console.log("starting a system with four edge workers");
  const system = await startThrowawaySystem({ EDGE_WORKERS: WORKERS });
  try {
    const { edgeUrl, opsUrl, opsToken } = system;
    const say = (text: string) => console.log(`  ${text}`);
    const result = await runCampaign({
      edgeUrl,
      opsUrl,
      opsToken,
      publications,
      bans,
      bansPerBatch: 1_000,
      say,
    });
    const late = result.latenessMs.toSorted((a, b) => a - b);
    const after = (ms: number) => late.filter((value) => value > ms).length;
    console.log(`
  ${result.requests} requests in ${result.seconds.toFixed(0)} s, ${result.watched} of them by addresses whose verdict changes (${result.denied} were refused)
  failed requests: ${result.failed}
  verdicts that were wrong at all: ${late.length}, the latest ${(late.at(-1) ?? 0).toFixed(0)} ms after its change was acknowledged
  of them more than 50 ms after: ${after(50)}, 250 ms: ${after(250)}, ${boundMs} ms: ${after(boundMs)}`);
    for (const failure of result.failures) console.log(`  ${failure}`);
    const { code, output } = await system.sluice("audit");
    if (code !== 0) console.log(output);
    return result.failed === 0 && after(boundMs) === 0 && code === 0 ? 0 : 1;
  } finally {
    await system.close();
  }
}
