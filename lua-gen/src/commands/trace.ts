import { createReadStream, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { formatFault } from "../compile/fault.ts";
import { openMaps } from "../traceback/map-lines.ts";
import { type Command, parseOptions, UsageError } from "./command.ts";

export const traceCommand: Command = {
  name: "trace",
  summary: "show an error log with TypeScript positions",
  help: `lua-gen trace [error.log] [-p tsconfig.json]

Copies the log (or standard input: "tail -f error.log | lua-gen trace") to standard output, with every mention of a
compiled Lua file and line replaced by the TypeScript that it came from. Run it on the build that wrote the log.

  -p, --project FILE   the tsconfig.json, or its folder (default: the current folder)`,
  async run(args) {
    const { values, positionals } = parseOptions(
      args,
      { project: { type: "string", short: "p", default: "." } },
      1,
    );
    const [log] = positionals;
    if (log !== undefined && statSync(log, { throwIfNoEntry: false })?.isDirectory() !== false) {
      throw new UsageError(`there is no file ${log}`);
    }
    const { openProject } = await import("../compile/project.ts");
    const opened = openProject(values.project);
    if ("faults" in opened) {
      for (const fault of opened.faults) console.error(formatFault(fault));
      return 1;
    }
    const mapLine = openMaps(opened.project.outDir, process.cwd());
    const input = log === undefined ? process.stdin : createReadStream(log);
    for await (const line of createInterface({ input })) console.log(mapLine(line));
    return 0;
  },
};
