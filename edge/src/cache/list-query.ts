/**
 * The query of `GET /products`. All spellings of one page come down to one, by which it is kept; what is spelled
 * in any other way is not kept at all. So a client can't fill the caches with copies of one page.
 */
const LIMIT = "limit=";
const CURSOR = "cursor=";
const CURSOR_LENGTH_MAX = 100;
/** `limit=`, three digits, `&cursor=` and a cursor. */
const QUERY_LENGTH_MAX = 117;

const AMPERSAND = 38;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;
const UPPER_A = 65;
const UPPER_Z = 90;
const UNDERSCORE = 95;
const LOWER_A = 97;
const LOWER_Z = 122;

/** `limit` and `cursor`, each at most once, in this order; undefined when there is anything else. */
export function listQuery(query: string): string | undefined {
  const length = query.length;
  if (length === 0) return "";
  if (length > QUERY_LENGTH_MAX) return undefined;
  let limit = "";
  let cursor = "";
  let at = 0;
  while (at <= length) {
    const stop = endOfParameter(query, at);
    const parameter = query.substring(at, stop);
    if (limit === "" && parameter.startsWith(LIMIT) && isLimit(parameter)) limit = parameter;
    else if (cursor === "" && parameter.startsWith(CURSOR) && isCursor(parameter)) cursor = parameter;
    else return undefined;
    at = stop + 1;
  }
  if (limit === "") return cursor;
  return cursor === "" ? limit : `${limit}&${cursor}`;
}

/** Of a query that `listQuery` made. */
export function hasCursor(query: string): boolean {
  return query.includes(CURSOR);
}

function endOfParameter(query: string, start: number): number {
  let at = start;
  while (at < query.length && query.charCodeAt(at) !== AMPERSAND) at += 1;
  return at;
}

/** 1 to 100, as one writes it. */
function isLimit(parameter: string): boolean {
  const digits = parameter.length - LIMIT.length;
  if (digits < 1 || digits > 3) return false;
  let value = 0;
  for (let i = LIMIT.length; i < parameter.length; i++) {
    const character = parameter.charCodeAt(i);
    if (character < ZERO || character > NINE || (value === 0 && character === ZERO)) return false;
    value = value * 10 + (character - ZERO);
  }
  return value <= 100;
}

/** Base64url, as cursors are given out. */
function isCursor(parameter: string): boolean {
  const characters = parameter.length - CURSOR.length;
  if (characters < 1 || characters > CURSOR_LENGTH_MAX) return false;
  for (let i = CURSOR.length; i < parameter.length; i++) {
    if (!isBase64Url(parameter.charCodeAt(i))) return false;
  }
  return true;
}

function isBase64Url(character: number): boolean {
  if (character >= LOWER_A) return character <= LOWER_Z;
  if (character >= UPPER_A) return character <= UPPER_Z || character === UNDERSCORE;
  return (character >= ZERO && character <= NINE) || character === MINUS;
}
