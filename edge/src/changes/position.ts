/** Where a worker stands in the change stream: a Redis stream id, `milliseconds-sequence`. */
export const POSITION_START = "0-0";

/** Whether `a` comes before `b`. */
export function isBefore(a: string, b: string): boolean {
  const dashA = a.indexOf("-");
  const dashB = b.indexOf("-");
  const msA = tonumber(a.substring(0, dashA)) as number;
  const msB = tonumber(b.substring(0, dashB)) as number;
  if (msA !== msB) return msA < msB;
  return (tonumber(a.substring(dashA + 1)) as number) < (tonumber(b.substring(dashB + 1)) as number);
}
