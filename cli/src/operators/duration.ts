const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `30m`, `12h`, `7d` → the instant that lies so far after `now`, in ISO 8601. */
export function instantAfter(duration: string, now: Date): string {
  return new Date(now.getTime() + durationMs(duration)).toISOString();
}

/** The same, before `now`. */
export function instantBefore(duration: string, now: Date): string {
  return new Date(now.getTime() - durationMs(duration)).toISOString();
}

function durationMs(duration: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(duration);
  if (!match) throw new Error(`not a duration: "${duration}"; say it like 30m, 12h or 7d`);
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}
