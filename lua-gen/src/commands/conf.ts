import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Fault, formatFault } from "../compile/fault.ts";
import { checkNginx } from "../nginx/check.ts";
import type { NginxConfig } from "../nginx/model.ts";
import { findPlatform, type Platform, PlatformError } from "../nginx/platform.ts";
import { printNginx } from "../nginx/print.ts";
import { UnknownMemberError } from "../nginx/unknown-members.ts";
import { type Command, parseOptions, UsageError } from "./command.ts";

export const confCommand: Command = {
  name: "conf",
  summary: "print nginx.conf from typed data",
  help: `lua-gen conf <nginx.ts> [--out FILE] [--no-test] [-p tsconfig.json] [--nginx BINARY]

The module exports \`nginx\`: the configuration, or a function that makes it for a platform. It is type-checked first.
Handlers that name a module of the project are held against its sources: they must be exported, and have the \`@phase\`
that nginx calls them in. With --out, nginx reads what was written (nginx -t): what it refuses lies beside the file, as
FILE.refused, and its objections name the lines; the file itself is as it was.

  -o, --out FILE       write there, and have nginx test it; its folder is the prefix (default: standard output)
      --no-test        don't
  -p, --project FILE   the scripts' tsconfig.json, or its folder (default: the current folder, if it has one)
      --nginx BINARY   the nginx to print for (default: openresty, else nginx)`,
  async run(args) {
    const { values, positionals } = parseOptions(
      args,
      {
        out: { type: "string", short: "o" },
        "no-test": { type: "boolean", default: false },
        project: { type: "string", short: "p" },
        nginx: { type: "string" },
      },
      1,
    );
    const [module] = positionals;
    if (module === undefined) throw new UsageError("which module?");
    let platform: Platform;
    try {
      platform = findPlatform(values.nginx);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      console.error(`error: ${error.message}`);
      return 1;
    }
    if (!existsSync(module)) throw new UsageError(`there is no ${module}`);
    const { checkConfigurationTypes } = await import("../nginx/type-check.ts");
    const mistyped = checkConfigurationTypes(module);
    if (mistyped.length > 0) return refuse(mistyped);
    const config = await loadConfig(module, platform);
    const faults = await handlerFaults(values.project, config);
    if (faults.length > 0) return refuse(faults);
    let text: string;
    try {
      text = printNginx(config, platform);
    } catch (error) {
      if (!(error instanceof UnknownMemberError)) throw error;
      return refuse([{ code: error.code, message: `${module}: ${error.message}` }]);
    }
    if (values.out === undefined) process.stdout.write(text);
    else return write(text, resolve(values.out), values["no-test"] ? undefined : platform);
    return 0;
  },
};

function refuse(faults: readonly Fault[]): number {
  for (const fault of faults) console.error(formatFault(fault));
  return 1;
}

/** A configuration may stand alone, with scripts from elsewhere. */
async function handlerFaults(project: string | undefined, config: NginxConfig): Promise<readonly Fault[]> {
  if (project === undefined && !existsSync("tsconfig.json")) return [];
  const { checkHandlers } = await import("../phases/check-handlers.ts");
  return checkHandlers(project ?? ".", config);
}

async function loadConfig(path: string, platform: Platform): Promise<NginxConfig> {
  const exports: unknown = await import(pathToFileURL(resolve(path)).href);
  const nginx = (exports as { nginx?: NginxConfig | ((platform: Platform) => NginxConfig) }).nginx;
  if (nginx === undefined) throw new UsageError(`${path} exports no \`nginx\``);
  return typeof nginx === "function" ? nginx(platform) : nginx;
}

/** Nothing takes the place of a file that works before nginx has accepted it. `tester` is the nginx to ask. */
function write(text: string, file: string, tester: Platform | undefined): number {
  mkdirSync(dirname(file), { recursive: true });
  const untested = `${file}.refused`;
  writeFileSync(untested, text);
  if (tester !== undefined && !accepts(tester, untested)) {
    console.error(`${tester.binary} refuses ${untested}; ${file} is as it was`);
    return 1;
  }
  renameSync(untested, file);
  if (tester !== undefined) console.log(`${tester.binary} accepts ${file}`);
  return 0;
}

function accepts(tester: Platform, file: string): boolean {
  const { ok, faults } = checkNginx(tester, file, dirname(file));
  for (const fault of faults) {
    const place = fault.file === undefined ? "" : `${fault.file}:${fault.line} - `;
    console.error(`${place}${fault.level}: ${fault.message}`);
  }
  return ok;
}
