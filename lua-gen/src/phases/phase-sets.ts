/** Where nginx runs Lua, by nginx's own names. */
export const phaseNames = [
  "init",
  "init_worker",
  "exit_worker",
  "ssl_client_hello",
  "ssl_certificate",
  "ssl_session_fetch",
  "ssl_session_store",
  "set",
  "server_rewrite",
  "rewrite",
  "access",
  "precontent",
  "content",
  "balancer",
  "proxy_ssl_certificate",
  "proxy_ssl_verify",
  "header_filter",
  "body_filter",
  "log",
  "timer",
] as const;

export type Phase = (typeof phaseNames)[number];

const ssl = ["ssl_client_hello", "ssl_certificate", "ssl_session_fetch"] as const;
const proxySsl = ["proxy_ssl_certificate", "proxy_ssl_verify"] as const;
const handler = ["server_rewrite", "rewrite", "access", "precontent", "content"] as const;

/** The sets that types/ngx.d.ts explains. */
const sets: Readonly<Record<string, readonly Phase[]>> = {
  any: phaseNames,
  ssl,
  proxy_ssl: proxySsl,
  handler,
  yield: [...handler, "timer", ...ssl, ...proxySsl],
  request: ["set", ...handler, "header_filter", "body_filter", "log"],
};

/** Reads `handler +log -content`. `undefined` when a word is neither a phase nor a set. */
export function parsePhases(text: string): ReadonlySet<Phase> | undefined {
  const found = new Set<Phase>();
  for (const word of text.trim().split(/\s+/)) {
    const name = word.replace(/^[+-]/, "");
    const phases = sets[name] ?? phaseNames.filter((phase) => phase === name);
    if (phases.length === 0) return undefined;
    for (const phase of phases) {
      if (word.startsWith("-")) found.delete(phase);
      else found.add(phase);
    }
  }
  return found;
}

/** The first word of a text that {@link parsePhases} can't read. */
export function unknownWord(text: string): string | undefined {
  return text.split(/\s+/).find((word) => parsePhases(word) === undefined);
}

/** For messages: the shortest words for the set that `text` names. */
export function describePhases(phases: ReadonlySet<Phase>): string {
  const whole = Object.entries({ ssl, proxy_ssl: proxySsl }).filter(([, set]) =>
    set.every((phase) => phases.has(phase)),
  );
  const inside = new Set<Phase>(whole.flatMap(([, set]) => set));
  const names = [...phases].filter((phase) => !inside.has(phase));
  return [...names, ...whole.map(([name]) => name)].join(", ");
}
