/**
 * `npm run bench -- <suite>`: a table for people, and with `--json FILE` the same figures for programs. What
 * is quoted is the median of rounds in which everything, the reference too, is measured in turn.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { cacheSuite } from "./cache/suite.ts";
import { edgeSuite } from "./edge/suite.ts";
import { expirySuite } from "./expiry/suite.ts";
import { luaGenSuite } from "./lua-gen/suite.ts";
import { ordersSuite } from "./orders/suite.ts";
import { policySuite } from "./policy/suite.ts";
import { relaySuite } from "./relay/suite.ts";
import { saleSuite } from "./sale/suite.ts";
import type { Suite } from "./suite.ts";
import { formatTable } from "./table.ts";
import { tokenSuite } from "./token/suite.ts";

const suites: readonly Suite[] = [
  edgeSuite,
  policySuite,
  tokenSuite,
  cacheSuite,
  ordersSuite,
  saleSuite,
  expirySuite,
  relaySuite,
  luaGenSuite,
];

const HELP = `npm run bench -- <suite> [--json FILE] [--quick] [--only WORDS]

${suites.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join("\n")}

  --json FILE  also write [{suite, name, value, unit, reference, ratio, samples}, …]
  --quick      fewer and shorter rounds: shows that it runs, not how fast
  --only WORDS of proxies, those whose name holds the words, and what they are held against; may be said several times`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: "string" },
      quick: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const unknown = positionals.filter((name) => !suites.some((suite) => suite.name === name));
  if (positionals.length === 0 || unknown.length > 0) {
    console.error(unknown.length > 0 ? `no suite is called ${unknown.join(", ")}\n\n${HELP}` : HELP);
    return 2;
  }
  const chosen = suites.filter(({ name }) => positionals.includes(name));
  const measurements = [];
  for (const suite of chosen) {
    const progress = (text: string) => console.error(`  ${suite.name}: ${text}`);
    const measured = await suite.run({ quick: values.quick, only: values.only, progress });
    console.log(
      `\n${suite.name}${values.quick ? " (quick: not to be quoted)" : ""}\n${formatTable(measured)}`,
    );
    measurements.push(...measured);
  }
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify(measurements, undefined, 2)}\n`);
  return 0;
}
