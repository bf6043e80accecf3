import type { Check, Finding } from "../check.ts";
import type { Tree } from "../tree.ts";
import { installed, runTool } from "./run.ts";

/** Biome: format, imports in order, and the lint rules of biome.json. */
export const styleHolds: Check = { name: "style", run: biome };

async function biome(tree: Tree): Promise<Finding[]> {
  const args = ["check", "--reporter=github", "--max-diagnostics=none", "--error-on-warnings", "."];
  const { status, output } = await runTool(tree.root, installed(tree.root, "biome"), args);
  if (status === 0) return [];
  const findings = annotationsOf(output.replaceAll(`file=${tree.root}/`, "file="));
  return findings.length > 0 ? findings : [{ place: "", message: output }];
}

/** Reads GitHub's annotation format, `::error title=…,file=…,line=…::message`: one line for each finding. */
export function annotationsOf(output: string): Finding[] {
  return output.split("\n").flatMap((line) => {
    const match = /^::(?:error|warning|notice) (.*?)::(.*)$/.exec(line);
    if (match === null) return [];
    const fields = new Map(
      (match[1] as string).split(",").map((field) => field.split("=", 2) as [string, string]),
    );
    const place = `${fields.get("file") ?? ""}:${fields.get("line") ?? ""}`;
    return [{ place, message: `${fields.get("title") ?? ""}: ${unescaped(match[2] as string)}` }];
  });
}

function unescaped(text: string): string {
  return text.replaceAll("%0A", "\n").replaceAll("%0D", "").replaceAll("%25", "%");
}
