import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { checkNginx } from "../nginx/check.ts";
import type { NginxConfig } from "../nginx/model.ts";
import { findPlatform, type Platform, PlatformError } from "../nginx/platform.ts";
import { printNginx } from "../nginx/print.ts";
import { type Command, parseOptions, UsageError } from "./command.ts";

export const confCommand: Command = {
  name: "conf",
  summary: "print nginx.conf from typed data",
  help: `lua-gen conf <nginx.ts> [--out FILE] [--test] [--nginx BINARY]

The module exports \`nginx\`: the configuration, or a function that makes it for a platform.

  -o, --out FILE       write there (default: standard output)
      --test           have nginx read the written file (nginx -t); needs --out; its folder is the prefix
      --nginx BINARY   the nginx to print for (default: openresty, else nginx)`,
  async run(args) {
    const { values, positionals } = parseOptions(
      args,
      {
        out: { type: "string", short: "o" },
        test: { type: "boolean", default: false },
        nginx: { type: "string" },
      },
      1,
    );
    const [module] = positionals;
    if (module === undefined) throw new UsageError("which module?");
    if (values.test && values.out === undefined) throw new UsageError("--test needs --out");
    let platform: Platform;
    try {
      platform = findPlatform(values.nginx);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      console.error(`error: ${error.message}`);
      return 1;
    }
    const text = printNginx(await loadConfig(module, platform), platform);
    if (values.out === undefined) {
      process.stdout.write(text);
      return 0;
    }
    const out = resolve(values.out);
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, text);
    return values.test ? report(platform, out) : 0;
  },
};

async function loadConfig(path: string, platform: Platform): Promise<NginxConfig> {
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
