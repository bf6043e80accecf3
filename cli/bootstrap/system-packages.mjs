// The system packages that a native run needs, from the distribution's own archive and nowhere else.
import { spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runShown, runStep } from "./steps.mjs";

const NGINX = [
  "nginx",
  "libnginx-mod-http-lua",
  "lua-resty-core",
  "lua-resty-lrucache",
  "lua-nginx-redis",
  "lua-nginx-string",
  "lua-cjson",
];
/** Modules that only the tests of the typings ask for; OpenResty brings them. */
const LUA_MODULES_FOR_TESTS = ["lua-nginx-websocket"];
const SERVERS = ["mariadb-server", "redis-server", "rabbitmq-server"];
const BENCH = ["haproxy", "wrk"];

/** What the design builds on is not in older ones: message TTL on quorum queues, for one, came with RabbitMQ 3.10. */
const VERSION_MIN = { "mariadb-server": "1:10.11", "redis-server": "5:7.0", "rabbitmq-server": "3.10" };

/** Where there is no dpkg: what has to be on the path, however it came there. */
const PROGRAMS = {
  run: ["nginx", "mariadbd", "mariadb-install-db", "redis-server", "rabbitmq-server"],
  test: ["luajit", "chromium"],
  bench: BENCH,
};

const COMPOSE = "In containers it needs none of them: docker compose up";

/**
 * True when everything is there, be it by now. `groups` are some of run, test, bench. Without `logs` the
 * install is shown and no file is written: root would leave files that the checkout's owner can't write.
 */
export async function bringSystemPackages(groups, logs) {
  if (groups.length === 0) return true;
  if (!findProgram("dpkg-query")) return programsAreThere(groups);
  const wanted = wantedPackages(groups);
  const missing = missingPackages(wanted);
  if (!versionsSuffice(wanted, missing)) return false;
  if (missing.length === 0) return true;
  console.log(`  missing system packages: ${missing.join(" ")}`);
  const prefix = rootPrefix();
  if (!prefix) {
    console.error(`They are installed by root only, and sudo is not to be had here. Run once, as root:

  ${process.execPath} ${fileURLToPath(new URL("../bootstrap.mjs", import.meta.url))} packages

${COMPOSE}`);
    return false;
  }
  const [command, ...args] = [...prefix, "sh", fileURLToPath(new URL("install-quietly.sh", import.meta.url))];
  const label = "installing system packages (their services stay off)";
  const installed = logs
    ? await runStep({ name: "apt", label, logs, command, args: [...args, ...missing] })
    : await runShown(command, [...args, ...missing]);
  return installed && versionsSuffice(wanted, []);
}

function wantedPackages(groups) {
  const packages = [];
  if (groups.includes("run")) packages.push(...(findProgram("openresty") ? [] : NGINX), ...SERVERS);
  // The commands that a start prints are typed with it.
  if (groups.includes("run") && !findProgram("curl")) packages.push("curl");
  if (groups.includes("test") && !findProgram("luajit")) packages.push(luajitPackage());
  if (groups.includes("test") && !findProgram("chromium")) packages.push("chromium");
  if (groups.includes("test") && !findProgram("openresty")) packages.push(...LUA_MODULES_FOR_TESTS);
  if (groups.includes("bench")) packages.push(...BENCH);
  return packages;
}

/**
 * Debian's Lua module is linked with OpenResty's branch, libluajit2-5.1-2, whose program is in `luajit2`; where
 * it is linked with the upstream library the program is in `luajit`. The two exclude each other.
 */
function luajitPackage() {
  const status = output("dpkg-query", ["-W", "-f", field("db:Status-Status"), "libluajit-5.1-2"]);
  if (status === "installed") return "luajit";
  return output("apt-cache", ["depends", "libnginx-mod-http-lua"]).includes("libluajit2-")
    ? "luajit2"
    : "luajit";
}

function missingPackages(wanted) {
  const format = `${field("Package")} ${field("db:Status-Status")}\n`;
  const installed = output("dpkg-query", ["-W", "-f", format, ...wanted])
    .split("\n")
    .filter((line) => line.endsWith(" installed"))
    .map((line) => line.split(" ")[0]);
  return wanted.filter((name) => !installed.includes(name));
}

/** Says what is too old, installed or on offer, before anything is installed in vain. */
function versionsSuffice(wanted, missing) {
  const faults = [];
  for (const [name, least] of Object.entries(VERSION_MIN)) {
    if (!wanted.includes(name)) continue;
    const version = missing.includes(name) ? candidate(name) : installedVersion(name);
    if (version === "" || compare(version, "ge", least)) continue;
    faults.push(`  ${name} ${version} is too old; ${least.replace(/^\d+:/, "")} or later is needed`);
  }
  if (faults.length === 0) return true;
  console.error(`This system (${distribution()}) can't run it natively:\n${faults.join("\n")}\n\n${COMPOSE}`);
  return false;
}

/** Empty when the package lists know nothing yet: the install updates them and the check is made afterwards. */
function candidate(name) {
  const version = /Candidate: (\S+)/.exec(output("apt-cache", ["policy", name]))?.[1] ?? "";
  return version === "(none)" ? "" : version;
}

/** In dpkg-query's own format language. */
function field(name) {
  return `\${${name}}`;
}

function installedVersion(name) {
  return output("dpkg-query", ["-W", "-f", field("Version"), name]);
}

function compare(version, relation, other) {
  return spawnSync("dpkg", ["--compare-versions", version, relation, other]).status === 0;
}

/** What to put before a command to run it as root; undefined when there is no way. May ask for a password. */
function rootPrefix() {
  if (process.getuid() === 0) return [];
  if (!findProgram("sudo")) return undefined;
  if (spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0) return ["sudo", "-n"];
  if (!process.stdin.isTTY) return undefined;
  console.log("  sudo may ask for your password");
  return spawnSync("sudo", ["-v"], { stdio: "inherit" }).status === 0 ? ["sudo", "-n"] : undefined;
}

function programsAreThere(groups) {
  const programs = groups.flatMap((group) => PROGRAMS[group]);
  const absent = programs.filter(
    (name) => !findProgram(name) && !(name === "nginx" && findProgram("openresty")),
  );
  if (absent.length === 0) return true;
  console.error(`Only Debian and Ubuntu get their packages installed by this command. Missing here: ${absent.join(", ")}

${COMPOSE}`);
  return false;
}

function findProgram(name) {
  const extra = ["/usr/sbin", "/sbin", "/usr/local/openresty/bin", "/usr/lib/rabbitmq/bin"];
  return [...(process.env.PATH ?? "").split(delimiter), ...extra].some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function distribution() {
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown";
}

function output(command, args) {
  const env = { ...process.env, LC_ALL: "C" };
  return spawnSync(command, args, { encoding: "utf8", env }).stdout ?? "";
}
