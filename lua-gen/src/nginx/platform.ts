import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The nginx of this machine, and what a configuration must say so that Lua runs in it. */
export interface Platform {
  /** OpenResty has Lua built in; a plain nginx, as Debian packages it, loads it as a module. */
  readonly kind: "nginx" | "openresty";
  readonly binary: string;
  readonly version: readonly [number, number, number];
  /** For `load_module`, in order. */
  readonly loadModules: readonly string[];
  /** Folders and patterns behind the project's own, see {@link luaSearchPath}. */
  readonly luaPath: readonly string[];
  readonly luaCpath: readonly string[];
}

/** There is no nginx here that can run Lua; the message says what to install. */
export class PlatformError extends Error {}

/** By name first, as the `PATH` says; then where packages put what isn't on every `PATH`. */
const usualBinaries = [
  "openresty",
  "nginx",
  "/usr/local/openresty/bin/openresty",
  "/usr/local/openresty/nginx/sbin/nginx",
  "/usr/sbin/nginx",
];

/** Shims for libraries that Debian installs under another name. */
const shimPattern = join(fileURLToPath(new URL("../../shims", import.meta.url)), "?.lua");

/** Lua of lua-gen's own: what shows errors with TypeScript positions. */
const runtimePattern = join(fileURLToPath(new URL("../../runtime", import.meta.url)), "?.lua");

/** Asks the given binary, or the first of `openresty` and `nginx` that is installed, what it is. */
export function findPlatform(binary?: string): Platform {
  for (const candidate of binary === undefined ? usualBinaries : [binary]) {
    const run = spawnSync(candidate, ["-V"], { encoding: "utf8" });
    if (run.error === undefined) return readBuild(candidate, `${run.stdout}${run.stderr}`);
    if (binary !== undefined) throw new PlatformError(`cannot run ${binary}`, { cause: run.error });
  }
  throw new PlatformError(
    "no nginx here: install nginx and libnginx-mod-http-lua (Debian, Ubuntu), or OpenResty",
  );
}

/** Reads the output of `nginx -V`. Exported because not every machine has every nginx. */
export function readBuild(binary: string, text: string): Platform {
  const named = /nginx version: (\S+)\/(\d+)\.(\d+)\.(\d+)/.exec(text);
  if (named === null) throw new PlatformError(`${binary} -V doesn't look like nginx: ${text.slice(0, 200)}`);
  const version = [Number(named[2]), Number(named[3]), Number(named[4])] as const;
  const prefix = option(text, "prefix") ?? "/usr/local/nginx";
  if (named[1] === "openresty") {
    const home = dirname(prefix);
    return {
      kind: "openresty",
      binary,
      version,
      loadModules: [],
      luaPath: [`${home}/site/lualib/?.lua`, `${home}/lualib/?.lua`],
      luaCpath: [`${home}/site/lualib/?.so`, `${home}/lualib/?.so`],
    };
  }
  return {
    kind: "nginx",
    binary,
    version,
    loadModules: isLuaBuiltIn(text)
      ? []
      : luaModules(binary, option(text, "modules-path") ?? join(prefix, "modules")),
    luaPath: ["/usr/local/share/lua/5.1/?.lua", "/usr/share/lua/5.1/?.lua", shimPattern],
    luaCpath: ["/usr/local/lib/lua/5.1/?.so"],
  };
}

/**
 * The value of `lua_package_path`: the project's compiled scripts before everything, then the platform's libraries.
 * LuaJIT's own default (`;;`) stands before our last resort, the shims.
 */
export function luaSearchPath(platform: Platform, luaDir: string): string {
  const own = `${luaDir}/?.lua`;
  const libraries = platform.luaPath.filter((pattern) => pattern !== shimPattern);
  const last = platform.luaPath.includes(shimPattern) ? [runtimePattern, shimPattern] : [runtimePattern];
  return `${[own, ...libraries].join(";")};;${last.join(";")}`;
}

/** The value of `lua_package_cpath`. */
export function luaSearchCpath(platform: Platform): string {
  return `${platform.luaCpath.join(";")};;`;
}

function option(text: string, name: string): string | undefined {
  return new RegExp(`--${name}=(\\S+)`).exec(text)?.[1];
}

function isLuaBuiltIn(text: string): boolean {
  return /--add-module=\S*(lua-nginx-module|ngx_lua)/.test(text);
}

function luaModules(binary: string, folder: string): string[] {
  const lua = join(folder, "ngx_http_lua_module.so");
  if (!existsSync(lua)) {
    throw new PlatformError(
      `${binary} has no Lua: ${lua} is missing; on Debian install libnginx-mod-http-lua`,
    );
  }
  const ndk = join(folder, "ndk_http_module.so");
  return existsSync(ndk) ? [ndk, lua] : [lua];
}
