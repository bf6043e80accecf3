/** `2026-01-31 10:00:00.123000`, the form in which DATETIME(6) goes in and comes out, always UTC. */
export function toSqlTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23).replace("T", " ")}000`;
}

/** Milliseconds since the epoch of a DATETIME(6); the microseconds below are cut off. */
export function fromSqlTime(text: string): number {
  return Date.parse(`${text.slice(0, 23).replace(" ", "T")}Z`);
}

/** RFC 3339 with milliseconds, as answers carry it. */
export function sqlTimeToIso(text: string): string {
  return new Date(fromSqlTime(text)).toISOString();
}
