import type { Phase } from "../phases/phase-sets.ts";
import type { NginxConfig } from "./model.ts";

/** A module's export that nginx.conf calls, and when. */
export interface ConfiguredEntry {
  readonly phase: Phase;
  readonly module: string;
  readonly entry: string;
}

/** The members of the model that hold a handler, and when nginx runs it. */
const phaseOfMember: Readonly<Record<string, Phase>> = {
  init: "init",
  initWorker: "init_worker",
  exitWorker: "exit_worker",
  clientHelloBy: "ssl_client_hello",
  certificateBy: "ssl_certificate",
  sessionFetchBy: "ssl_session_fetch",
  sessionStoreBy: "ssl_session_store",
  setBy: "set",
  serverRewrite: "server_rewrite",
  rewrite: "rewrite",
  access: "access",
  precontent: "precontent",
  upstreamCertificateBy: "proxy_ssl_certificate",
  upstreamVerifyBy: "proxy_ssl_verify",
  content: "content",
  balancer: "balancer",
  headerFilter: "header_filter",
  bodyFilter: "body_filter",
  log: "log",
};

/** Every export that the configuration calls, each once for each phase. Lua text says in `calls` what it calls. */
export function configuredEntries(config: NginxConfig): ConfiguredEntry[] {
  const found = new Map<string, ConfiguredEntry>();
  const visit = (part: unknown, phase: Phase | undefined): void => {
    if (typeof part !== "object" || part === null) return;
    if ("module" in part && "entry" in part && phase !== undefined) {
      const { module, entry } = part as { module: string; entry: string };
      found.set(`${phase} ${module} ${entry}`, { phase, module, entry });
      return;
    }
    for (const [member, value] of Object.entries(part)) visit(value, phaseOfMember[member] ?? phase);
  };
  visit(config, undefined);
  return [...found.values()];
}
