/**
 * Commands that a page tells people to type, held against the command line itself: each `npx sluice …` line of a
 * code block must be one that it takes.
 */
import type { Command } from "commander";
import { createProgram } from "../../program.ts";
import type { Check, Finding } from "../check.ts";

export const commandsParse: Check = {
  name: "docs: commands",
  async run(tree) {
    const findings: Finding[] = [];
    for (const path of tree.paths.filter((one) => one.endsWith(".md"))) {
      for (const { words, line } of typedCommands(tree.read(path))) {
        const fault = await faultOf(words);
        if (fault !== undefined) findings.push({ place: `${path}:${line}`, message: fault });
      }
    }
    return findings;
  },
};

interface TypedCommand {
  readonly words: readonly string[];
  readonly line: number;
}

/** What stands behind `npx sluice` in fenced blocks, up to a comment, a pipe or a redirection. */
function typedCommands(page: string): TypedCommand[] {
  const commands: TypedCommand[] = [];
  let fenced = false;
  for (const [index, text] of page.split("\n").entries()) {
    if (text.startsWith("```")) fenced = !fenced;
    const typed = fenced ? /^npx sluice (.*)$/.exec(text)?.[1] : undefined;
    if (typed === undefined) continue;
    const words = (typed.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^["']|["']$/g, ""));
    const end = words.findIndex((word) => /^([#|>;]|&&)/.test(word));
    commands.push({ words: end === -1 ? words : words.slice(0, end), line: index + 1 });
  }
  return commands;
}

async function faultOf(words: readonly string[]): Promise<string | undefined> {
  const program = createProgram();
  silence(program);
  try {
    await program.parseAsync([...words], { from: "user" });
    return undefined;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === "commander.helpDisplayed" || code === "commander.version") return undefined;
    return `\`npx sluice ${words.join(" ")}\` is refused: ${message}`;
  }
}

/** Parsing alone: nothing is done, printed or ended. */
function silence(command: Command): void {
  command.exitOverride();
  command.configureOutput({ writeOut: () => {}, writeErr: () => {} });
  if (command.commands.length === 0) command.action(() => {});
  for (const child of command.commands) silence(child);
}
