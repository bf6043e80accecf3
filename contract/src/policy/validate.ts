import {
  COUNTRIES_PER_RULE_MAX,
  NOTE_LENGTH_MAX,
  PATH_PREFIX_LENGTH_MAX,
  type PolicyDocument,
  RULES_MAX,
} from "./document.ts";

/** One fault of a policy document. */
export interface PolicyFault {
  /** JSON Pointer (RFC 6901) to the place. */
  pointer: string;
  message: string;
}

/** Every fault of the document, in document order; an empty list says that it is a {@link PolicyDocument}. */
export function policyFaults(value: unknown): PolicyFault[] {
  const faults: PolicyFault[] = [];
  if (!isObject(value)) return [{ pointer: "", message: "must be an object with `rules` and `default`" }];
  unknownKeys(value, ["rules", "default"], "", faults);
  oneOf(value.default, ["allow", "deny"], "/default", faults);
  if (!Array.isArray(value.rules)) {
    faults.push({ pointer: "/rules", message: "must be an array" });
    return faults;
  }
  if (value.rules.length > RULES_MAX) {
    faults.push({
      pointer: "/rules",
      message: `holds ${value.rules.length} rules; at most ${RULES_MAX} are allowed`,
    });
  }
  const seen = new Map<string, number>();
  value.rules.forEach((rule, index) => {
    ruleFaults(rule, `/rules/${index}`, faults);
    const id = isObject(rule) ? rule.id : undefined;
    if (typeof id !== "string") return;
    const first = seen.get(id);
    if (first === undefined) seen.set(id, index);
    else faults.push({ pointer: `/rules/${index}/id`, message: `repeats the id of /rules/${first}` });
  });
  return faults;
}

/** Narrows a document that has no faults. */
export function isPolicyDocument(value: unknown): value is PolicyDocument {
  return policyFaults(value).length === 0;
}

function ruleFaults(rule: unknown, at: string, faults: PolicyFault[]): void {
  if (!isObject(rule)) {
    faults.push({ pointer: at, message: "must be an object" });
    return;
  }
  unknownKeys(rule, ["id", "match", "action", "mode", "status", "note"], at, faults);
  if (typeof rule.id !== "string" || !/^[a-z0-9][a-z0-9-]{0,63}$/.test(rule.id)) {
    faults.push({ pointer: `${at}/id`, message: "must be 1 to 64 of a-z, 0-9 and -, not starting with -" });
  }
  oneOf(rule.action, ["allow", "deny"], `${at}/action`, faults);
  oneOf(rule.mode, ["enforce", "observe"], `${at}/mode`, faults);
  if (rule.status !== undefined) {
    oneOf(rule.status, [403, 404, 451], `${at}/status`, faults);
    if (rule.action === "allow")
      faults.push({ pointer: `${at}/status`, message: "has no meaning on an allow rule" });
  }
  if (rule.note !== undefined && (typeof rule.note !== "string" || rule.note.length > NOTE_LENGTH_MAX)) {
    faults.push({
      pointer: `${at}/note`,
      message: `must be a string of at most ${NOTE_LENGTH_MAX} characters`,
    });
  }
  matchFaults(rule.match, `${at}/match`, faults);
}

function matchFaults(match: unknown, at: string, faults: PolicyFault[]): void {
  if (!isObject(match)) {
    faults.push({ pointer: at, message: "must be an object; {} matches every request" });
    return;
  }
  unknownKeys(match, ["country", "method", "pathPrefix"], at, faults);
  stringList(match.country, /^[A-Z]{2}$/, "two capital letters, ISO 3166-1 alpha-2", `${at}/country`, faults);
  stringList(match.method, /^[A-Z]{3,16}$/, "a method in capitals", `${at}/method`, faults);
  const prefix = match.pathPrefix;
  if (prefix === undefined) return;
  if (typeof prefix !== "string" || !prefix.startsWith("/") || prefix.length > PATH_PREFIX_LENGTH_MAX) {
    faults.push({
      pointer: `${at}/pathPrefix`,
      message: `must start with / and have at most ${PATH_PREFIX_LENGTH_MAX} characters`,
    });
  } else if (/[?#\s]/.test(prefix)) {
    faults.push({
      pointer: `${at}/pathPrefix`,
      message: "is matched without a query string: ?, # and spaces never match",
    });
  }
}

function stringList(value: unknown, form: RegExp, words: string, at: string, faults: PolicyFault[]): void {
  if (value === undefined) return;
  if (!Array.isArray(value) || value.length === 0 || value.length > COUNTRIES_PER_RULE_MAX) {
    faults.push({ pointer: at, message: `must be an array of 1 to ${COUNTRIES_PER_RULE_MAX} strings` });
    return;
  }
  value.forEach((item, index) => {
    if (typeof item !== "string" || !form.test(item)) {
      faults.push({ pointer: `${at}/${index}`, message: `must be ${words}` });
    }
  });
}

function oneOf(
  value: unknown,
  allowed: readonly (string | number)[],
  at: string,
  faults: PolicyFault[],
): void {
  if (allowed.some((candidate) => candidate === value)) return;
  faults.push({ pointer: at, message: `must be one of ${allowed.join(", ")}` });
}

function unknownKeys(
  value: Record<string, unknown>,
  known: readonly string[],
  at: string,
  faults: PolicyFault[],
): void {
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      const token = key.replaceAll("~", "~0").replaceAll("/", "~1");
      faults.push({ pointer: `${at}/${token}`, message: `is not known here; known are ${known.join(", ")}` });
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
