/**
 * What browsers keep. `__Host-` makes them refuse such a cookie from anything but this very host, over TLS or on
 * their own machine, so that no neighbouring name can plant one (RFC 6265bis, 4.1.3.2).
 */

/** Access token; HttpOnly, as all of them. */
export const COOKIE_ACCESS = "__Host-sluice-access";
export const COOKIE_REFRESH = "__Host-sluice-refresh";
/** A sign-in that was begun at a provider. */
export const COOKIE_OAUTH = "__Host-sluice-oauth";

/**
 * Whether a request comes from a page of the site. A browser sends cookies along with whatever any page makes it send, so
 * one that changes something and goes by a cookie must. Browsers say so in `Sec-Fetch-Site` (W3C Fetch Metadata), older
 * ones in `Origin` (RFC 6454, 7), and no page can forge either. Who says neither is no browser that we know.
 */
export function isFromPageOf(
  site: string,
  fetchSite: string | undefined,
  origin: string | undefined,
): boolean {
  return fetchSite === undefined ? origin === site : fetchSite === "same-origin";
}

const SEPARATOR = ";";
const SEMICOLON = 59;
const SPACE = 32;
const TAB = 9;

/**
 * How many values a `Cookie` field has under that name (RFC 6265, 5.4): pairs stand between semicolons, maybe with
 * white space around them. Edge and origin must see the same ones: a second token that only one of them saw would be
 * the one that the other goes by.
 */
export function countCookies(field: string, name: string): number {
  const pair = `${name}=`;
  let count = 0;
  let at = field.indexOf(pair);
  while (at !== -1) {
    if (beginsPair(field, at)) count += 1;
    at = field.indexOf(pair, at + pair.length);
  }
  return count;
}

/** The first value of that name, which may be empty; undefined when there is none. */
export function firstCookie(field: string, name: string): string | undefined {
  const pair = `${name}=`;
  let at = field.indexOf(pair);
  while (at !== -1) {
    if (beginsPair(field, at)) return valueFrom(field, at + pair.length);
    at = field.indexOf(pair, at + pair.length);
  }
  return undefined;
}

/** Whether only white space lies between that place and the pair before. */
function beginsPair(field: string, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && isBlank(field.charCodeAt(before))) before -= 1;
  return before < 0 || field.charCodeAt(before) === SEMICOLON;
}

function valueFrom(field: string, start: number): string {
  const stop = field.indexOf(SEPARATOR, start);
  let from = start;
  let to = stop === -1 ? field.length : stop;
  while (from < to && isBlank(field.charCodeAt(from))) from += 1;
  while (to > from && isBlank(field.charCodeAt(to - 1))) to -= 1;
  return field.substring(from, to);
}

function isBlank(character: number): boolean {
  return character === SPACE || character === TAB;
}
