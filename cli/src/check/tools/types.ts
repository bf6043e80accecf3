import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Check, Finding } from "../check.ts";
import type { Tree } from "../tree.ts";
import { installed, runTool } from "./run.ts";

/** What Node runs, and what browsers run. */
const PROJECTS = ["tsconfig.json", "web/tsconfig.json"];

export const typesHold: Check = { name: "types", run: compile };

async function compile(tree: Tree): Promise<Finding[]> {
  const tsc = installed(tree.root, "tsc");
  const findings: Finding[] = [];
  for (const project of PROJECTS.filter((path) => existsSync(join(tree.root, path)))) {
    const { status, output } = await runTool(tree.root, tsc, ["-p", project, "--pretty", "false"]);
    if (status !== 0) findings.push(...diagnosticsOf(output));
  }
  return findings;
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
