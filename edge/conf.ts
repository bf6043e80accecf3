/**
 * Generates the edge's nginx.conf from the environment.
 *
 *     EDGE_…=… node edge/conf.ts --out <dir>
 *
 * Writes `nginx.conf` and `edge.json` there. Exit status 78 (EX_CONFIG of sysexits.h) when the configuration has
 * faults; all are printed.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { hostname, userInfo } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { findPlatform } from "lua-gen/nginx/platform.ts";
import { printNginx } from "lua-gen/nginx/print.ts";
import { type EdgeConfig, readConfig } from "./config.ts";
import { edgeNginx, edgeSettings } from "./nginx.ts";

const EXIT_CONFIG = 78;

process.exitCode = main();

function main(): number {
  const { values } = parseArgs({ options: { out: { type: "string" } } });
  if (values.out === undefined) {
    console.error("usage: node edge/conf.ts --out <dir>");
    return 2;
  }
  const read = readConfig(process.env);
  if ("faults" in read) {
    for (const fault of read.faults) console.error(fault);
    return EXIT_CONFIG;
  }
  write(read.config, resolve(values.out));
  return 0;
}

function write(config: EdgeConfig, outDir: string): void {
  for (const folder of [join(outDir, "tmp"), config.stateDir, config.logDir, config.runDir]) {
    mkdirSync(folder, { recursive: true });
  }
  const { uid, username } = userInfo();
  const platform = findPlatform();
  const text = printNginx(
    edgeNginx(config, platform, {
      outDir,
      instance: randomBytes(4).toString("hex"),
      // Workers of a root master would run as nobody, who may read nothing here.
      ...(uid === 0 ? { user: username } : {}),
      resolvers: isIP(config.redis.host) === 0 ? nameServers() : [],
    }),
    platform,
  );
  writeFileSync(join(outDir, "nginx.conf"), text);
  // The password of Redis is in it.
  writeFileSync(
    join(outDir, "edge.json"),
    JSON.stringify(edgeSettings(config, `${hostname()}:${config.port}`)),
    { mode: 0o600 },
  );
  console.log(join(outDir, "nginx.conf"));
}

/** nginx resolves no names at run time but through name servers that it is given. */
function nameServers(): string[] {
  const servers: string[] = [];
  for (const line of readFileSync("/etc/resolv.conf", "utf8").split("\n")) {
    const address = /^nameserver\s+(\S+)/.exec(line)?.[1];
    if (address === undefined || isIP(address) === 0) continue;
    servers.push(isIP(address) === 6 ? `[${address}]` : address);
  }
  return servers;
}
