/**
 * From where somebody asks, as the edge reports it. For people, who know their own session again by it; nothing but
 * the throttle of sign-ins decides by it.
 */
export interface Client {
  /** Canonical text of the address. */
  readonly address: string;
  /** ISO 3166-1 alpha-2; `ZZ` when it is not known. */
  readonly country: string;
  /** As it was sent, cut to 255 characters. */
  readonly userAgent: string;
  readonly requestId: string;
}

/** The first that is found in a user agent names it; most browsers claim to be others, so the order counts. */
const programs: readonly (readonly [mark: string, name: string])[] = [
  ["MicroMessenger/", "WeChat"],
  ["Edg", "Edge"],
  ["OPR/", "Opera"],
  ["SamsungBrowser/", "Samsung Internet"],
  ["FxiOS/", "Firefox"],
  ["Firefox/", "Firefox"],
  ["CriOS/", "Chrome"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
];

const systems: readonly (readonly [mark: string, name: string])[] = [
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Android", "Android"],
  ["Windows", "Windows"],
  ["Mac OS X", "macOS"],
  ["CrOS", "ChromeOS"],
  ["Linux", "Linux"],
];

/**
 * A few words by which people know a device again: "Firefox on Windows", "curl". Empty when it said nothing.
 */
export function deviceOf(userAgent: string): string {
  const program = firstIn(programs, userAgent);
  const system = firstIn(systems, userAgent);
  if (program !== undefined) return system === undefined ? program : `${program} on ${system}`;
  return /^[A-Za-z0-9._-]{1,40}/.exec(userAgent)?.[0] ?? "";
}

function firstIn(table: readonly (readonly [string, string])[], text: string): string | undefined {
  return table.find(([mark]) => text.includes(mark))?.[1];
}
