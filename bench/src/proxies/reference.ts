/**
 * What everything is held against: Debian's nginx with nothing but `proxy_pass`, the client address taken from
 * a trusted proxy, connections kept alive on both sides, and one line of log for each request, buffered as the
 * edge buffers its own; nginx that answers by itself, and from its own cache, logging as it does unless told otherwise.
 * And the upstream, which answers from memory.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Home } from "../../../cli/src/process/home.ts";
import { type OwnedProcess, startProcess } from "../../../cli/src/process/owned-process.ts";
import { LOOPBACK } from "../../../cli/src/process/ports.ts";
import { untilReady } from "../../../cli/src/process/ready.ts";
import { nginxBinary } from "../../../cli/src/services/nginx.ts";
import { onCores, type Side } from "./processor.ts";

const START_TIMEOUT_MS = 10_000;
/** What the upstream answers: the size of a small order. */
const BODY = JSON.stringify({ id: "0198c0de-0000-7000-8000-000000000000", status: "PAID", totalCents: 4200 });

export const UPSTREAM_KEEPALIVE = 64;

const PASSED_ON = `proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;`;

/** `answer` is JSON without a single quote in it. */
export async function startUpstream(
  home: Home,
  port: number,
  name = "upstream",
  answer = BODY,
): Promise<OwnedProcess> {
  const server = `
  access_log off;
  keepalive_requests 100000000;
  server {
    listen ${LOOPBACK}:${port} backlog=1024;
    location / { default_type application/json; return 200 '${answer}'; }
  }`;
  return startPlainNginx(home, name, "rest", port, server, 200);
}

export async function startBareProxy(home: Home, port: number, upstreamPort: number): Promise<OwnedProcess> {
  const log = `
  log_format line escape=json '{"time":"$time_iso8601","request_id":"$request_id","client":"$remote_addr",'
    '"method":"$request_method","path":"$uri","status":$status,"bytes":$bytes_sent,"seconds":$request_time,'
    '"upstream":"$upstream_addr","upstream_status":"$upstream_status","upstream_seconds":"$upstream_response_time"}';
  access_log ${join(home.logs, "bare-access.log")} line buffer=64k flush=1s;`;
  const location = `${PASSED_ON}
      proxy_set_header X-Request-Id $request_id;`;
  return startReference(home, "bare-nginx", port, { log, upstreamPort, location, status: 200 });
}

/** Answers everything from its configuration: what nginx can do at most. */
export async function startFixedAnswer(
  home: Home,
  port: number,
  status: number,
  json?: string,
): Promise<OwnedProcess> {
  const name = `return-${status}`;
  const location =
    json === undefined ? `return ${status};` : `default_type application/json; return ${status} '${json}';`;
  return startReference(home, name, port, { log: combined(home, name), location, status });
}

/** nginx's own cache of the upstream's answers; `proxy_cache` reads them from files, which the kernel has in memory. */
export async function startProxyCache(home: Home, port: number, upstreamPort: number): Promise<OwnedProcess> {
  const name = "proxy-cache";
  const folder = join(home.data, name, "cache");
  mkdirSync(folder, { recursive: true });
  const log = `${combined(home, name)}
  proxy_cache_path ${folder} levels=1:2 keys_zone=pages:16m max_size=256m inactive=60m use_temp_path=off;
  open_file_cache max=4096;`;
  const location = `proxy_cache pages;
      proxy_cache_valid 200 60m;
      add_header x-cache $upstream_cache_status;
      ${PASSED_ON}`;
  return startReference(home, name, port, { log, upstreamPort, location, status: 200 });
}

interface ReferenceParts {
  /** Directives of `http` that say what is logged, and more. */
  log: string;
  upstreamPort?: number;
  location: string;
  /** What `GET /` is answered. */
  status: number;
}

/** One worker, the client address from a trusted proxy, connections kept alive on both sides, a buffered log. */
function startReference(
  home: Home,
  name: string,
  port: number,
  { log, upstreamPort, location, status }: ReferenceParts,
): Promise<OwnedProcess> {
  const upstream =
    upstreamPort === undefined
      ? ""
      : `upstream origin { server ${LOOPBACK}:${upstreamPort}; keepalive ${UPSTREAM_KEEPALIVE}; keepalive_requests 100000000; }`;
  const http = `${log}
  keepalive_requests 100000000;
  set_real_ip_from ${LOOPBACK};
  real_ip_header X-Forwarded-For;
  ${upstream}
  server {
    listen ${LOOPBACK}:${port} backlog=1024;
    location / {
      ${location}
    }
  }`;
  return startPlainNginx(home, name, "proxy", port, http, status);
}

function combined(home: Home, name: string): string {
  return `access_log ${join(home.logs, `${name}-access.log`)} combined buffer=64k flush=1s;`;
}

async function startPlainNginx(
  home: Home,
  name: string,
  side: Side,
  port: number,
  http: string,
  status: number,
): Promise<OwnedProcess> {
  const folder = join(home.data, name);
  mkdirSync(join(folder, "temp"), { recursive: true });
  const temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `  ${kind}_temp_path ${join(folder, "temp", kind)};`)
    .join("\n");
  const config = join(folder, "nginx.conf");
  writeFileSync(
    config,
    `${workersUser()}worker_processes 1;
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
  await untilReady(owned, START_TIMEOUT_MS, async () => {
    const answer = await fetch(`http://${LOOPBACK}:${port}/`, { signal: AbortSignal.timeout(1000) });
    await answer.text();
    if (answer.status !== status) throw new Error(`${name} answers ${answer.status}`);
  });
  return owned;
}

/** Workers of a root master would run as nobody, who may not write to the cache's folder. */
function workersUser(): string {
  const { uid, username } = userInfo();
  return uid === 0 ? `user ${username};\n` : "";
}
