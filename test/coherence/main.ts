import { parseArgs } from "node:util";
import { runCampaign } from "./campaign.ts";

const HELP = `npm run test:coherence -- [--faults N] [--seed S]

Kills relays, Redis and edge workers while prices are written and read, and looks whether reads stay true.

  --faults N  how often (20)
  --seed S    which, when: the same seed brings the same ones again (drawn, and printed)`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      faults: { type: "string", default: "20" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [faults, seed] = [Number(values.faults), Number(values.seed)];
  if (values.help || !Number.isInteger(faults) || faults < 1 || !Number.isInteger(seed)) {
    console.log(HELP);
    return values.help ? 0 : 2;
  }
  const outcome = await runCampaign({ faults, seed, say: (line) => console.log(line) });
  const { broken, reads, writes, staleMs } = outcome;
  console.log(
    `${reads} reads, ${writes} writes; stale reads: p99 ${staleMs.p99} ms, at most ${staleMs.max} ms`,
  );
  for (const line of broken) console.log(`BROKEN  ${line}`);
  return broken.length === 0 ? 0 : 1;
}
