import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { formatFault } from "../compile/fault.ts";
import { findPlatform, type Platform, PlatformError } from "../nginx/platform.ts";
import { foreignNginx, type Reloadable, startNginx } from "../watch/nginx-process.ts";
import { sourcePattern, watchFiles } from "../watch/watch-files.ts";
import { type Command, parseOptions, UsageError } from "./command.ts";

const ownBinary = fileURLToPath(new URL("../../bin/lua-gen.mjs", import.meta.url));

export const watchCommand: Command = {
  name: "watch",
  summary: "build at every change and reload nginx",
  help: `lua-gen watch [nginx.ts] [-p tsconfig.json] [--out FILE] [--pid FILE]

Builds, and builds again whenever a source changes. With nginx.ts it also prints the configuration, runs nginx with it
in the foreground, and has it reload after every build without faults; a change of nginx.ts counts as well. With faults
nginx goes on with what it has. Ends with Ctrl-C, or with nginx.

  -p, --project FILE   the tsconfig.json, or its folder (default: the current folder)
  -o, --out FILE       where the configuration goes; its folder is nginx's prefix (default: run/nginx.conf)
      --pid FILE       reload the nginx that wrote this pid file, instead of starting one
      --nginx BINARY   the nginx to run (default: openresty, else nginx)`,
  async run(args) {
    const { values, positionals } = parseOptions(
      args,
      {
        project: { type: "string", short: "p", default: "." },
        out: { type: "string", short: "o", default: "run/nginx.conf" },
        pid: { type: "string" },
        nginx: { type: "string" },
      },
      1,
    );
    const [module] = positionals;
    if (module !== undefined && values.pid !== undefined)
      throw new UsageError("nginx.ts, or --pid; not both");
    let platform: Platform | undefined;
    try {
      if (module !== undefined) platform = findPlatform(values.nginx);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      console.error(`error: ${error.message}`);
      return 1;
    }
    return await watch({ ...values, module, platform });
  },
};

interface Watched {
  readonly project: string;
  readonly out: string;
  readonly pid?: string | undefined;
  readonly module: string | undefined;
  readonly platform: Platform | undefined;
}

async function watch(watched: Watched): Promise<number> {
  const { build } = await import("../build.ts");
  const { createSourceCache } = await import("../compile/source-cache.ts");
  const cache = createSourceCache();
  // Followed even while it is missing or doesn't parse.
  const { project } = watched;
  const configFile = resolve(project.endsWith(".json") ? project : join(project, "tsconfig.json"));
  let nginx: Reloadable | undefined = watched.pid === undefined ? undefined : foreignNginx(watched.pid);
  const { promise: ended, resolve: end } = Promise.withResolvers<number>();
  const files = watchFiles((paths) => round(paths));
  let sources: readonly string[] = [];
  let isConfigured = false;

  const round = (changed?: ReadonlySet<string>) => {
    const startedMs = performance.now();
    const result = build({ project: watched.project, cache });
    const outside = watched.module === undefined ? [] : [resolve(watched.module)];
    files.follow([configFile, ...outside, ...result.sources]);
    for (const fault of result.faults) console.error(formatFault(fault));
    // A new process takes longer than the build: only for files that aren't sources of the Lua code.
    const known = new Set([...sources, ...result.sources]);
    const isOutside = (path: string) => sourcePattern.test(path) && !known.has(path);
    if (changed === undefined || [...changed].some(isOutside)) isConfigured = configure(watched);
    sources = result.sources;
    const isGood = result.faults.length === 0 && isConfigured;
    const elapsed = `${Math.round(performance.now() - startedMs)} ms`;
    if (!isGood) {
      console.log(`faults, ${elapsed}; nginx has what it had`);
      return;
    }
    if (nginx !== undefined) nginx.reload();
    else if (watched.platform !== undefined) nginx = startNginx(watched.platform, resolve(watched.out), end);
    const made = result.files.length === 1 ? "1 file" : `${result.files.length} files`;
    console.log(`${made}, ${result.written.length} written, ${elapsed}`);
  };
  round();
  const signals = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]).then(() => 0);
  const status = await Promise.race([ended, signals]);
  files.close();
  await nginx?.close();
  return status;
}

/** In a process of its own: what nginx.ts imports may have changed too, and a module is loaded once only. */
function configure({ project, module, out, platform }: Watched): boolean {
  if (module === undefined || platform === undefined) return true;
  const args = [ownBinary, "conf", module, "--out", out, "-p", project, "--nginx", platform.binary];
  const run = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (run.status !== 0) process.stderr.write(run.stderr);
  return run.status === 0;
}
