import { parseCidr } from "./address.ts";
import { CONTINENT_UNKNOWN, CONTINENTS } from "./continents.ts";
import {
  ASN_MAX,
  ASNS_PER_RULE_MAX,
  BLOCKS_PER_RULE_MAX,
  COUNTRIES_PER_RULE_MAX,
  HOST_LENGTH_MAX,
  HOSTS_PER_RULE_MAX,
  LIMIT_REFILL_SECONDS_MAX,
  LIMIT_REQUESTS_MAX,
  LIMIT_RULES_MAX,
  LIMIT_SECONDS_MAX,
  NOTE_LENGTH_MAX,
  PATH_PREFIX_LENGTH_MAX,
  PATHS_PER_RULE_MAX,
  type PolicyDocument,
  RULES_MAX,
} from "./document.ts";
import { parseInstant } from "./instant.ts";
import { patternFault } from "./path-pattern.ts";

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
  const limits = value.rules.filter((rule) => isObject(rule) && rule.action === "limit").length;
  if (limits > LIMIT_RULES_MAX) {
    faults.push({
      pointer: "/rules",
      message: `holds ${limits} limit rules; at most ${LIMIT_RULES_MAX} are allowed`,
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
  unknownKeys(rule, ["id", "match", "action", "mode", "status", "limit", "endsAt", "note"], at, faults);
  if (typeof rule.id !== "string" || !/^[a-z0-9][a-z0-9-]{0,63}$/.test(rule.id)) {
    faults.push({ pointer: `${at}/id`, message: "must be 1 to 64 of a-z, 0-9 and -, not starting with -" });
  }
  oneOf(rule.action, ["allow", "deny", "limit"], `${at}/action`, faults);
  oneOf(rule.mode, ["enforce", "observe"], `${at}/mode`, faults);
  if (rule.status !== undefined) {
    oneOf(rule.status, [403, 404, 451], `${at}/status`, faults);
    if (rule.action === "allow" || rule.action === "limit")
      faults.push({
        pointer: `${at}/status`,
        message: `has no meaning on ${rule.action === "allow" ? "an allow" : "a limit"} rule`,
      });
  }
  if (rule.action === "limit") limitFaults(rule.limit, `${at}/limit`, faults);
  else if (rule.limit !== undefined)
    faults.push({ pointer: `${at}/limit`, message: "has a meaning on a limit rule only" });
  if (
    rule.endsAt !== undefined &&
    (typeof rule.endsAt !== "string" || parseInstant(rule.endsAt) === undefined)
  ) {
    faults.push({ pointer: `${at}/endsAt`, message: "must be an instant in UTC, like 2026-12-31T23:59:59Z" });
  }
  if (rule.note !== undefined && (typeof rule.note !== "string" || rule.note.length > NOTE_LENGTH_MAX)) {
    faults.push({
      pointer: `${at}/note`,
      message: `must be a string of at most ${NOTE_LENGTH_MAX} characters`,
    });
  }
  matchFaults(rule.match, `${at}/match`, faults);
}

function limitFaults(limit: unknown, at: string, faults: PolicyFault[]): void {
  if (!isObject(limit)) {
    faults.push({ pointer: at, message: "must be an object with `key`, `requests` and `seconds`" });
    return;
  }
  const before = faults.length;
  const { key, requests, seconds, burst = requests } = limit;
  unknownKeys(limit, ["key", "requests", "seconds", "burst"], at, faults);
  oneOf(key, ["address", "user", "route"], `${at}/key`, faults);
  wholeFaults(requests, LIMIT_REQUESTS_MAX, `${at}/requests`, faults);
  wholeFaults(seconds, LIMIT_SECONDS_MAX, `${at}/seconds`, faults);
  if (limit.burst !== undefined) wholeFaults(burst, LIMIT_REQUESTS_MAX, `${at}/burst`, faults);
  if (faults.length > before) return;
  if (((burst as number) * (seconds as number)) / (requests as number) > LIMIT_REFILL_SECONDS_MAX) {
    faults.push({
      pointer: `${at}/burst`,
      message: `would take more than ${LIMIT_REFILL_SECONDS_MAX} seconds to come back at this rate`,
    });
  }
}

function wholeFaults(value: unknown, max: number, pointer: string, faults: PolicyFault[]): void {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= max) return;
  faults.push({ pointer, message: `must be a whole number from 1 to ${max}` });
}

function matchFaults(match: unknown, at: string, faults: PolicyFault[]): void {
  if (!isObject(match)) {
    faults.push({ pointer: at, message: "must be an object; {} matches every request" });
    return;
  }
  const { not, ...conditions } = match;
  conditionFaults(conditions, at, [...CONDITIONS, "not"], faults);
  if (not === undefined) return;
  if (!isObject(not) || Object.keys(not).length === 0) {
    faults.push({ pointer: `${at}/not`, message: "must be an object that names what may not hold" });
    return;
  }
  conditionFaults(not, `${at}/not`, CONDITIONS, faults);
}

const METHODS_PER_RULE_MAX = 50;
const CONDITIONS = ["country", "continent", "asn", "cidr", "host", "method", "pathPrefix", "path"] as const;

const HOST = /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$/;

function conditionFaults(
  given: Record<string, unknown>,
  at: string,
  known: readonly string[],
  faults: PolicyFault[],
): void {
  unknownKeys(given, known, at, faults);
  const list = (name: string, max: number, fits: (item: string) => boolean, words: string) =>
    listFaults(given[name], max, fits, words, `${at}/${name}`, faults);
  const continents: readonly string[] = [...CONTINENTS, CONTINENT_UNKNOWN];
  list("country", COUNTRIES_PER_RULE_MAX, matching(/^[A-Z]{2}$/), "two capital letters, ISO 3166-1 alpha-2");
  list("continent", continents.length, (item) => continents.includes(item), `one of ${continents.join(" ")}`);
  if (given.asn !== undefined) asnFaults(given.asn, `${at}/asn`, faults);
  list("cidr", BLOCKS_PER_RULE_MAX, (item) => parseCidr(item) !== undefined, "an IP address or a CIDR block");
  list("host", HOSTS_PER_RULE_MAX, isHost, "a host name in small letters without port, or *.name");
  list("method", METHODS_PER_RULE_MAX, matching(/^[A-Z]{3,16}$/), "a method in capitals");
  if (given.pathPrefix !== undefined) prefixFaults(given.pathPrefix, `${at}/pathPrefix`, faults);
  const isText = (item: string) => item.length <= PATH_PREFIX_LENGTH_MAX && !/[?#\s]/.test(item);
  const words = `a path of at most ${PATH_PREFIX_LENGTH_MAX} characters without ?, # and spaces`;
  list("path", PATHS_PER_RULE_MAX, isText, words);
  if (Array.isArray(given.path))
    given.path.forEach((item, index) => {
      const fault = typeof item === "string" ? patternFault(item) : undefined;
      if (fault !== undefined) faults.push({ pointer: `${at}/path/${index}`, message: fault });
    });
}

function asnFaults(value: unknown, pointer: string, faults: PolicyFault[]): void {
  if (!Array.isArray(value) || value.length === 0 || value.length > ASNS_PER_RULE_MAX) {
    faults.push({ pointer, message: `must be an array of 1 to ${ASNS_PER_RULE_MAX} numbers` });
    return;
  }
  value.forEach((item, index) => {
    if (Number.isInteger(item) && item >= 0 && item <= ASN_MAX) return;
    faults.push({
      pointer: `${pointer}/${index}`,
      message: `must be the number of an autonomous system, 0 to ${ASN_MAX}; 0 for an unknown one`,
    });
  });
}

function isHost(text: string): boolean {
  return text.length <= HOST_LENGTH_MAX && HOST.test(text);
}

function matching(form: RegExp): (item: string) => boolean {
  return (item) => form.test(item);
}

function prefixFaults(prefix: unknown, pointer: string, faults: PolicyFault[]): void {
  if (typeof prefix !== "string" || !prefix.startsWith("/") || prefix.length > PATH_PREFIX_LENGTH_MAX) {
    faults.push({
      pointer,
      message: `must start with / and have at most ${PATH_PREFIX_LENGTH_MAX} characters`,
    });
  } else if (/[?#\s]/.test(prefix)) {
    faults.push({ pointer, message: "is matched without a query string: ?, # and spaces never match" });
  }
}

function listFaults(
  value: unknown,
  max: number,
  fits: (item: string) => boolean,
  words: string,
  at: string,
  faults: PolicyFault[],
): void {
  if (value === undefined) return;
  if (!Array.isArray(value) || value.length === 0 || value.length > max) {
    faults.push({ pointer: at, message: `must be an array of 1 to ${max} strings` });
    return;
  }
  value.forEach((item, index) => {
    if (typeof item !== "string" || !fits(item)) {
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
