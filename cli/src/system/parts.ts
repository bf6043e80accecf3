/**
 * The parts of the system, in the order in which they start; they stop in the reverse order. What stands in
 * one stage starts and stops together. The names are public: pid files, logs and `status` use them.
 */
export const STAGES = [
  ["mysql", "redis", "rabbitmq"],
  ["payments", "api", "relay", "worker"],
  ["geo", "edge"],
] as const;

export type PartName = (typeof STAGES)[number][number];

export const PARTS: readonly PartName[] = STAGES.flat();

/** SIGQUIT is nginx's graceful end; to everything else it is a crash with a core dump. */
export function stopSignalOf(name: string): NodeJS.Signals {
  return name === "edge" ? "SIGQUIT" : "SIGTERM";
}
