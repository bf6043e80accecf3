import { formatFault } from "../compile/fault.ts";
import { type Command, parseOptions } from "./command.ts";

export const checkCommand: Command = {
  name: "check",
  summary: "report what is wrong, write nothing",
  help: `lua-gen check [-p tsconfig.json] [--json]

Finds everything that "lua-gen build" would refuse, and writes nothing. Exit status 1 when there is any fault.

  -p, --project FILE   the tsconfig.json, or its folder (default: the current folder)
      --json           print a JSON list of {file, line, column, code, message} for editors`,
  async run(args) {
    const { values } = parseOptions(args, {
      project: { type: "string", short: "p", default: "." },
      json: { type: "boolean", default: false },
    });
    const { check } = await import("../build.ts");
    const { faults } = check({ project: values.project, withConfiguration: true });
    if (values.json) {
      console.log(JSON.stringify(faults, undefined, 2));
    } else {
      for (const fault of faults) console.error(formatFault(fault));
      console.log(
        faults.length === 0 ? "no faults" : `${faults.length} error${faults.length === 1 ? "" : "s"}`,
      );
    }
    return faults.length === 0 ? 0 : 1;
  },
};
