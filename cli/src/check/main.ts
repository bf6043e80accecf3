/**
 * `npm run check`: everything about the repository that a machine can hold, in seconds. Checks run side by
 * side and all findings are shown at once, so that nobody fixes them one run at a time.
 *
 *     npm run check            all of them
 *     npm run check -- layers  those whose name contains the word
 */
import { resolve } from "node:path";
import type { Check, Finding } from "./check.ts";
import { commandsParse } from "./docs/commands.ts";
import { errorCodesAreDocumented } from "./docs/error-codes.ts";
import { limitsAgree } from "./docs/limits.ts";
import { linksLeadSomewhere } from "./docs/links.ts";
import { settingsAreDocumented } from "./docs/settings.ts";
import { noEmptyCatch } from "./hygiene/empty-catch.ts";
import { noVagueNames } from "./hygiene/names.ts";
import { testsAssert } from "./hygiene/test-assertions.ts";
import { noCycles } from "./imports/cycles.ts";
import { layersHold } from "./imports/layers.ts";
import { nginxHasItsPlace } from "./imports/raw-nginx.ts";
import { edgeCompiles } from "./tools/edge.ts";
import { styleHolds } from "./tools/style.ts";
import { typesHold } from "./tools/types.ts";
import { openTree } from "./tree.ts";

export const checks: readonly Check[] = [
  typesHold,
  edgeCompiles,
  styleHolds,
  layersHold,
  noCycles,
  nginxHasItsPlace,
  errorCodesAreDocumented,
  settingsAreDocumented,
  limitsAgree,
  linksLeadSomewhere,
  commandsParse,
  noVagueNames,
  noEmptyCatch,
  testsAssert,
];

interface Outcome {
  check: Check;
  findings: readonly Finding[];
  elapsedMs: number;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  const chosen = checks.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  if (chosen.length === 0) {
    console.error(`no check is called so; there are: ${checks.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  const startedMs = performance.now();
  const tree = openTree(resolve(import.meta.dirname, "../../.."));
  const outcomes = await Promise.all(chosen.map((check) => timed(check, () => check.run(tree))));
  for (const outcome of outcomes) print(outcome);
  const failed = outcomes.filter(({ findings }) => findings.length > 0);
  const elapsed = seconds(performance.now() - startedMs);
  console.log(
    failed.length === 0
      ? `\n${outcomes.length} checks hold, ${elapsed}`
      : `\n${failed.length} of ${outcomes.length} checks fail, ${elapsed}`,
  );
  return failed.length === 0 ? 0 : 1;
}

async function timed(check: Check, run: () => ReturnType<Check["run"]>): Promise<Outcome> {
  const startedMs = performance.now();
  const findings = await run();
  return { check, findings, elapsedMs: performance.now() - startedMs };
}

function print({ check, findings, elapsedMs }: Outcome): void {
  const verdict = findings.length === 0 ? "ok  " : "FAIL";
  console.log(`${verdict} ${check.name.padEnd(28)} ${seconds(elapsedMs).padStart(7)}`);
  for (const { place, message } of findings) {
    const indented = message.trimEnd().replaceAll("\n", "\n       ");
    console.log(`     ${place === "" ? "" : `${place}  `}${indented}`);
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
