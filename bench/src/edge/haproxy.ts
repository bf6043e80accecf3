/**
 * HAProxy with the same list, the same tokens and the same upstream: one thread, the client address from the
 * same header, keep-alive on both sides, one line of log for each request. `jwt_verify` checks signature and
 * algorithm and two further lines expiry and issuer; it has nothing like our session check.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Home } from "../../../cli/src/process/home.ts";
import { type OwnedProcess, startProcess } from "../../../cli/src/process/owned-process.ts";
import { LOOPBACK } from "../../../cli/src/process/ports.ts";
import { untilReady } from "../../../cli/src/process/ready.ts";
import { onCores } from "../proxies/processor.ts";

export interface HaproxyOptions {
  home: Home;
  port: number;
  upstreamPort: number;
  denied: readonly string[];
  /** Asks for a token by this key. */
  publicKey: string | undefined;
}

/** It reads a million entries from its file. */
const START_TIMEOUT_MS = 30_000;

export async function startHaproxy(options: HaproxyOptions): Promise<OwnedProcess> {
  const { home, port, publicKey } = options;
  const name = publicKey === undefined ? "haproxy" : "haproxy-token";
  const folder = join(home.data, name);
  mkdirSync(folder, { recursive: true });
  const config = join(folder, "haproxy.cfg");
  writeFileSync(config, configuration(folder, options));
  const [command, args] = onCores("proxy", "haproxy", ["-db", "-f", config]);
  const owned = await startProcess({ name, command, args, home, port });
  await untilReady(owned, START_TIMEOUT_MS, async () => {
    const response = await fetch(`http://${LOOPBACK}:${port}/`, { signal: AbortSignal.timeout(1000) });
    await response.text();
    // With a key, who brings no token is refused.
    if (response.status !== (publicKey === undefined ? 200 : 401)) {
      throw new Error(`${name} answers ${response.status}`);
    }
  });
  return owned;
}

function configuration(folder: string, { port, upstreamPort, denied, publicKey }: HaproxyOptions): string {
  return `global
  nbthread 1
  maxconn 4096
  log stdout format raw local0 info

defaults
  mode http
  log global
  option httplog
  option http-keep-alive
  http-reuse always
  timeout connect 5s
  timeout client 30s
  timeout server 30s

backend origin
  server one ${LOOPBACK}:${upstreamPort}

frontend public
  bind ${LOOPBACK}:${port}
  http-request set-src req.hdr_ip(x-forwarded-for,-1) if { req.hdr(x-forwarded-for) -m found }
${rules(folder, denied, publicKey)}
  default_backend origin
`;
}

function rules(folder: string, denied: readonly string[], publicKey: string | undefined): string {
  const denyFile = join(folder, "deny.lst");
  writeFileSync(denyFile, `${denied.join("\n")}\n`);
  const byAddress = `  http-request deny deny_status 403 if { src -f ${denyFile} }`;
  if (publicKey === undefined) return byAddress;
  const keyFile = join(folder, "token-key.pem");
  writeFileSync(keyFile, publicKey);
  return `${byAddress}
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('$.iss')
  http-request deny deny_status 401 unless { var(txn.alg) -m str RS256 }
  http-request deny deny_status 401 unless { var(txn.iss) -m str sluice }
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"${keyFile}") 1 }`;
}
