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
  certificateBy: "ssl_certificate",
  setBy: "set",
  rewrite: "rewrite",
  access: "access",
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
