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
import { onCores } from "./processor.ts";

export interface HaproxyOptions {
  home: Home;
  plainPort: number;
  checkedPort: number;
  upstreamPort: number;
  denied: readonly string[];
  publicKey: string;
}

const START_TIMEOUT_MS = 10_000;

/** One process with two front ends: `plainPort` only passes on, `checkedPort` checks. */
export async function startHaproxy(options: HaproxyOptions): Promise<OwnedProcess> {
  const { home, plainPort } = options;
  const folder = join(home.data, "haproxy");
  mkdirSync(folder, { recursive: true });
  const denyFile = join(folder, "deny.lst");
  const keyFile = join(folder, "token-key.pem");
  writeFileSync(denyFile, `${options.denied.join("\n")}\n`);
  writeFileSync(keyFile, options.publicKey);
  const config = join(folder, "haproxy.cfg");
  writeFileSync(config, configuration(options, denyFile, keyFile));
  const [command, args] = onCores("proxy", "haproxy", ["-db", "-f", config]);
  const owned = await startProcess({ name: "haproxy", command, args, home, port: plainPort });
  await untilReady(owned, START_TIMEOUT_MS, async () => {
    const response = await fetch(`http://${LOOPBACK}:${plainPort}/`, { signal: AbortSignal.timeout(1000) });
    if (!response.ok) throw new Error(`haproxy answers ${response.status}`);
    await response.text();
  });
  return owned;
}

function configuration(options: HaproxyOptions, denyFile: string, keyFile: string): string {
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
  server one ${LOOPBACK}:${options.upstreamPort}

frontend plain
  bind ${LOOPBACK}:${options.plainPort}
  http-request set-src req.hdr_ip(x-forwarded-for,-1) if { req.hdr(x-forwarded-for) -m found }
  default_backend origin

frontend checked
  bind ${LOOPBACK}:${options.checkedPort}
  http-request set-src req.hdr_ip(x-forwarded-for,-1)
  http-request deny deny_status 403 if { src -f ${denyFile} }
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('$.iss')
  http-request deny deny_status 401 unless { var(txn.alg) -m str RS256 }
  http-request deny deny_status 401 unless { var(txn.iss) -m str sluice }
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"${keyFile}") 1 }
  default_backend origin
`;
}
