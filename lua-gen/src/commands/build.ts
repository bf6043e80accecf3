import { formatFault } from "../compile/fault.ts";
import { type Command, parseOptions } from "./command.ts";

export const buildCommand: Command = {
  name: "build",
  summary: "compile a project to Lua",
  help: `lua-gen build [-p tsconfig.json] [--no-check]

Compiles the project to Lua under its outDir. Only files whose content changed are written, and Lua files that
no source produces any more are removed. An nginx.ts beside the tsconfig.json is type-checked with it. Every fault is
printed as file:line:column; with any, nothing is written and the exit status is 1.

  -p, --project FILE   the tsconfig.json, or its folder (default: the current folder)
  --no-check           don't look whether types fit: for sources that were checked before, in half the time`,
  async run(args) {
    const { values } = parseOptions(args, {
      project: { type: "string", short: "p", default: "." },
      "no-check": { type: "boolean", default: false },
    });
    const { build } = await import("../build.ts");
    const startedMs = performance.now();
    const result = build({
      project: values.project,
      withConfiguration: true,
      noCheck: values["no-check"],
    });
    for (const fault of result.faults) console.error(formatFault(fault));
    if (result.faults.length > 0) {
      console.error(
        `${result.faults.length} error${result.faults.length === 1 ? "" : "s"}; nothing was written`,
      );
      return 1;
    }
    const elapsedMs = Math.round(performance.now() - startedMs);
    const removed = result.removed.length > 0 ? `, ${result.removed.length} removed` : "";
    const made = result.files.length === 1 ? "1 file" : `${result.files.length} files`;
    console.log(`${made}, ${result.written.length} written${removed}, ${elapsedMs} ms`);
    return 0;
  },
};
