import { buildCommand } from "./commands/build.ts";
import { checkCommand } from "./commands/check.ts";
import { type Command, UsageError } from "./commands/command.ts";
import { confCommand } from "./commands/conf.ts";
import { initCommand } from "./commands/init.ts";
import { traceCommand } from "./commands/trace.ts";
import { watchCommand } from "./commands/watch.ts";

/** In the order in which `--help` lists them. */
export const commands: readonly Command[] = [
  initCommand,
  buildCommand,
  checkCommand,
  watchCommand,
  confCommand,
  traceCommand,
];

/** Runs one command line and returns the exit status: 0 done, 1 the sources have faults, 2 the call was wrong. */
export async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    console.log(overview());
    return 0;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) {
    console.error(`lua-gen: no command "${name}"\n\n${overview()}`);
    return 2;
  }
  if (rest.includes("--help") || rest.includes("-h")) {
    console.log(command.help);
    return 0;
  }
  try {
    return await command.run(rest);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`lua-gen ${name}: ${error.message}\n\n${command.help}`);
    return 2;
  }
}

function overview(): string {
  const lines = commands.map((command) => `  ${command.name.padEnd(8)} ${command.summary}`);
  return `lua-gen: TypeScript for nginx\n\n${lines.join("\n")}\n\nlua-gen <command> --help says more.`;
}
