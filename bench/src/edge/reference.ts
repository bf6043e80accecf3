/**
 * What everything is held against: Debian's nginx with nothing but `proxy_pass`, the client address taken from
 * a trusted proxy, connections kept alive on both sides, and one line of log for each request, buffered as the
 * edge buffers its own. And the upstream, which answers from memory.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Home } from "../../../cli/src/process/home.ts";
import { type OwnedProcess, startProcess } from "../../../cli/src/process/owned-process.ts";
import { LOOPBACK } from "../../../cli/src/process/ports.ts";
import { untilReady } from "../../../cli/src/process/ready.ts";
import { nginxBinary } from "../../../cli/src/services/nginx.ts";
import { expectOk } from "../../../cli/src/services/node-role.ts";
import { onCores, type Side } from "./processor.ts";

const START_TIMEOUT_MS = 10_000;
/** What the upstream answers: the size of a small order. */
const BODY = JSON.stringify({ id: "0198c0de-0000-7000-8000-000000000000", status: "PAID", totalCents: 4200 });

export const UPSTREAM_KEEPALIVE = 64;

export async function startUpstream(home: Home, port: number): Promise<OwnedProcess> {
  const server = `
  access_log off;
  keepalive_requests 100000000;
  server {
    listen ${LOOPBACK}:${port} backlog=1024;
    location / { default_type application/json; return 200 '${BODY}'; }
  }`;
  return startPlainNginx(home, "upstream", "rest", port, server);
}

export async function startBareProxy(home: Home, port: number, upstreamPort: number): Promise<OwnedProcess> {
  const server = `
  log_format line escape=json '{"time":"$time_iso8601","request_id":"$request_id","client":"$remote_addr",'
    '"method":"$request_method","path":"$uri","status":$status,"bytes":$bytes_sent,"seconds":$request_time,'
    '"upstream":"$upstream_addr","upstream_status":"$upstream_status","upstream_seconds":"$upstream_response_time"}';
  access_log ${join(home.logs, "bare-access.log")} line buffer=64k flush=1s;
  keepalive_requests 100000000;
  set_real_ip_from ${LOOPBACK};
  real_ip_header X-Forwarded-For;
  upstream origin { server ${LOOPBACK}:${upstreamPort}; keepalive ${UPSTREAM_KEEPALIVE}; keepalive_requests 100000000; }
  server {
    listen ${LOOPBACK}:${port} backlog=1024;
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Request-Id $request_id;
    }
  }`;
  return startPlainNginx(home, "bare-nginx", "proxy", port, server);
}

async function startPlainNginx(
  home: Home,
  name: string,
  side: Side,
  port: number,
  http: string,
): Promise<OwnedProcess> {
  const folder = join(home.data, name);
  mkdirSync(join(folder, "temp"), { recursive: true });
  const temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `  ${kind}_temp_path ${join(folder, "temp", kind)};`)
    .join("\n");
  const config = join(folder, "nginx.conf");
  writeFileSync(
    config,
    `worker_processes 1;
pid ${join(folder, "nginx.pid")};
events { worker_connections 1024; }
http {
${temps}
${http}
}
`,
  );
  const args = ["-p", folder, "-c", config, "-e", join(home.logs, `${name}.log`), "-g", "daemon off;"];
  const [command, argv] = onCores(side, nginxBinary(), args);
  const owned = await startProcess({ name, command, args: argv, home, port, stopSignal: "SIGQUIT" });
  await untilReady(owned, START_TIMEOUT_MS, () => expectOk(`http://${LOOPBACK}:${port}/`));
  return owned;
}
