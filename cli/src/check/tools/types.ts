import type { Check, Finding } from "../check.ts";
import type { Tree } from "../tree.ts";
import { installed, runTool } from "./run.ts";

/** Everything that Node runs, held against tsconfig.json. */
export const typesHold: Check = { name: "types", run: compile };

async function compile(tree: Tree): Promise<Finding[]> {
  const tsc = installed(tree.root, "tsc");
  const { status, output } = await runTool(tree.root, tsc, ["-p", "tsconfig.json", "--pretty", "false"]);
  if (status === 0) return [];
  return diagnosticsOf(output);
}

/** A diagnostic starts at the line's beginning; what is indented belongs to the one before. */
export function diagnosticsOf(output: string): Finding[] {
  const findings: { place: string; message: string }[] = [];
  for (const line of output.trimEnd().split("\n")) {
    const last = findings.at(-1);
    if (line.startsWith(" ") && last !== undefined) {
      last.message += `\n${line}`;
      continue;
    }
    const place = /^(.+?)\((\d+),\d+\): (.*)$/.exec(line);
    findings.push(
      place === null
        ? { place: "", message: line }
        : { place: `${place[1]}:${place[2]}`, message: place[3] as string },
    );
  }
  return findings;
}
