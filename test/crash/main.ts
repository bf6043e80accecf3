import { parseArgs } from "node:util";
import { runCampaign } from "./campaign.ts";

const HELP = `npm run test:crash -- [--rounds N] [--seed S]

Kills, pauses and cuts off parts of a whole system under load, and looks whether it keeps its promises.

  --rounds N  how often (20)
  --seed S    which faults, when: the same seed brings the same ones again (drawn, and printed)`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "20" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [rounds, seed] = [Number(values.rounds), Number(values.seed)];
  if (values.help || !Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed)) {
    console.log(HELP);
    return values.help ? 0 : 2;
  }
  const { broken, roundsSurvived } = await runCampaign({ rounds, seed, say: (line) => console.log(line) });
  return broken.length === 0 && roundsSurvived === rounds ? 0 : 1;
}
