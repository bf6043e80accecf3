import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Fault, formatFault } from "../compile/fault.ts";
import { checkNginx } from "../nginx/check.ts";
import type { NginxConfig } from "../nginx/model.ts";
import { findPlatform, type Platform, PlatformError } from "../nginx/platform.ts";
import { printNginx } from "../nginx/print.ts";
import { checkHandlers } from "../phases/check-handlers.ts";
import { type Command, parseOptions, UsageError } from "./command.ts";

export const confCommand: Command = {
  name: "conf",
  summary: "print nginx.conf from typed data",
  help: `lua-gen conf <nginx.ts> [--out FILE] [--no-test] [-p tsconfig.json] [--nginx BINARY]

The module exports \`nginx\`: the configuration, or a function that makes it for a platform. With --out, nginx reads
what was written (nginx -t) and its objections are shown. Handlers that name a module of the project are held against
its sources: they must be exported, and have the \`@phase\` that nginx calls them in.

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
    const config = await loadConfig(module, platform);
    const faults = handlerFaults(values.project, config);
    for (const fault of faults) console.error(formatFault(fault));
    if (faults.length > 0) return 1;
    const text = printNginx(config, platform);
    if (values.out === undefined) {
      process.stdout.write(text);
      return 0;
    }
    const out = resolve(values.out);
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, text);
    return values["no-test"] ? 0 : report(platform, out);
  },
};

/** A configuration may stand alone, with scripts from elsewhere. */
function handlerFaults(project: string | undefined, config: NginxConfig): readonly Fault[] {
  if (project === undefined && !existsSync("tsconfig.json")) return [];
  return checkHandlers(project ?? ".", config);
}

async function loadConfig(path: string, platform: Platform): Promise<NginxConfig> {
  if (!existsSync(path)) throw new UsageError(`there is no ${path}`);
  const exports: unknown = await import(pathToFileURL(resolve(path)).href);
  const nginx = (exports as { nginx?: NginxConfig | ((platform: Platform) => NginxConfig) }).nginx;
  if (nginx === undefined) throw new UsageError(`${path} exports no \`nginx\``);
  return typeof nginx === "function" ? nginx(platform) : nginx;
}

function report(platform: Platform, file: string): number {
  const { ok, faults } = checkNginx(platform, file, dirname(file));
  for (const fault of faults) {
    const place = fault.file === undefined ? "" : `${fault.file}:${fault.line} - `;
    console.error(`${place}${fault.level}: ${fault.message}`);
  }
  if (ok) console.log(`${platform.binary} accepts ${file}`);
  return ok ? 0 : 1;
}
