/**
 * What the server says when a position is of no use to it. `purged`: the log behind it is gone. `diverged`: the log
 * has other transactions under the same numbers. Both are states, not failures that pass.
 */
export type LogFault = "purged" | "diverged";

/** Error codes: 1236 in general, 1945 and 1955 on MariaDB. 1236 also says that a second reader has our id. */
export function logFaultOf(error: unknown): LogFault | undefined {
  const { errno, message = "" } = error as { errno?: number; message?: string };
  if (errno === 1955 || (errno === 1236 && /diverged/i.test(message))) return "diverged";
  if (errno === 1945) return "purged";
  if (errno !== 1236 || /same server_(uu)?id|max_allowed_packet/i.test(message)) return undefined;
  return "purged";
}
