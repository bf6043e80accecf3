import { type Address, type Cidr, parseCidr } from "./address.ts";
import { type AddressTable, createAddressTable, findBlock, NONE, setBlock } from "./address-table.ts";
import { continentOf } from "./continents.ts";
import type { Conditions } from "./document.ts";
import { type CompiledPaths, compilePaths, matchesPath } from "./path-pattern.ts";

/**
 * The conditions of a rule, made ready for requests. Country, path and method are asked apart from the rest: which
 * rules they can match is found once for each kind of request (`rule-selection.ts`).
 */
export interface CompiledConditions {
  /** Undefined wherever a condition is not given. */
  countries: NameSet | undefined;
  continents: NameSet | undefined;
  asns: NumberSet | undefined;
  methods: NameSet | undefined;
  /** Empty when not given. */
  pathPrefix: string;
  paths: CompiledPaths | undefined;
  hosts: CompiledHosts | undefined;
  blocks: AddressTable | undefined;
}

export interface RequestFacts {
  address: Address;
  /** 0 when unknown; needed only when the policy `usesAsn`. */
  asn: number;
  method: string;
  /** Without the query string. */
  path: string;
  /** Lower case, without port; needed only when the policy `usesHost`. */
  host: string;
}

export type NameSet = Record<string, boolean | undefined>;
export type NumberSet = Record<number, boolean | undefined>;

interface CompiledHosts {
  exact: NameSet;
  /** With the leading dot: `.example.com` for `*.example.com`. */
  suffixes: string[];
}

/** Takes conditions of a valid document. */
export function compileConditions(given: Conditions): CompiledConditions {
  return {
    countries: setOf(given.country),
    continents: setOf(given.continent),
    asns: numbersOf(given.asn),
    methods: methodsOf(given.method),
    pathPrefix: given.pathPrefix === undefined ? "" : given.pathPrefix,
    paths: given.path === undefined ? undefined : compilePaths(given.path),
    hosts: given.host === undefined ? undefined : hostsOf(given.host),
    blocks: given.cidr === undefined ? undefined : blocksOf(given.cidr),
  };
}

/** Whether a request from the country can match. */
export function allHoldOfCountry(conditions: CompiledConditions, country: string): boolean {
  if (conditions.countries !== undefined && conditions.countries[country] !== true) return false;
  return conditions.continents === undefined || conditions.continents[continentOf(country)] === true;
}

/** Whether some condition about the country holds. */
export function anyHoldsOfCountry(conditions: CompiledConditions, country: string): boolean {
  if (conditions.countries !== undefined && conditions.countries[country] === true) return true;
  return conditions.continents !== undefined && conditions.continents[continentOf(country)] === true;
}

/** Whether there is a condition about the path. */
export function asksForPath({ pathPrefix, paths }: CompiledConditions): boolean {
  return pathPrefix.length !== 0 || paths !== undefined;
}

/** Whether a request for the path can match. */
export function allHoldOfPath(conditions: CompiledConditions, path: string): boolean {
  const prefix = conditions.pathPrefix;
  if (prefix.length !== 0 && path.substring(0, prefix.length) !== prefix) return false;
  return conditions.paths === undefined || matchesPath(conditions.paths, path);
}

/** Whether some condition about the path holds. */
export function anyHoldsOfPath(conditions: CompiledConditions, path: string): boolean {
  const prefix = conditions.pathPrefix;
  if (prefix.length !== 0 && path.substring(0, prefix.length) === prefix) return true;
  return conditions.paths !== undefined && matchesPath(conditions.paths, path);
}

/**
 * Whether all holds that differs from request to request: what is not about country, path or method. `near`: the
 * address may be in a block that some rule names.
 */
export function allHold(conditions: CompiledConditions, request: RequestFacts, near: boolean): boolean {
  if (conditions.asns !== undefined && conditions.asns[request.asn] !== true) return false;
  if (conditions.hosts !== undefined && !isAmong(conditions.hosts, request.host)) return false;
  return conditions.blocks === undefined || (near && isWithin(conditions.blocks, request.address));
}

/** Whether something of that holds. */
export function anyHolds(conditions: CompiledConditions, request: RequestFacts, near: boolean): boolean {
  if (conditions.asns !== undefined && conditions.asns[request.asn] === true) return true;
  if (conditions.hosts !== undefined && isAmong(conditions.hosts, request.host)) return true;
  return near && conditions.blocks !== undefined && isWithin(conditions.blocks, request.address);
}

function isWithin(blocks: AddressTable, address: Address): boolean {
  return findBlock(blocks, address, 0) !== NONE;
}

function isAmong(hosts: CompiledHosts, host: string): boolean {
  if (hosts.exact[host] === true) return true;
  const suffixes = hosts.suffixes;
  for (let i = 0; i < suffixes.length; i++) {
    const suffix = suffixes[i] as string;
    const before = host.length - suffix.length;
    if (before > 0 && host.substring(before) === suffix) return true;
  }
  return false;
}

function hostsOf(patterns: string[]): CompiledHosts {
  const hosts: CompiledHosts = { exact: {}, suffixes: [] };
  for (const pattern of patterns) {
    if (pattern.substring(0, 2) === "*.") hosts.suffixes.push(pattern.substring(1));
    else hosts.exact[pattern] = true;
  }
  return hosts;
}

function blocksOf(texts: string[]): AddressTable {
  const blocks = createAddressTable(texts.length);
  for (const text of texts) {
    // Of a document that nobody validated it is nothing, and the error in here keeps the policy out.
    setBlock(blocks, parseCidr(text) as Cidr, 0, 0, 0);
  }
  return blocks;
}

/** Whoever may not read a page must not learn from `HEAD` what it is like: `GET` stands for both. */
function methodsOf(values: string[] | undefined): NameSet | undefined {
  const methods = setOf(values);
  if (methods !== undefined && methods.GET === true) methods.HEAD = true;
  return methods;
}

function setOf(values: string[] | undefined): NameSet | undefined {
  if (values === undefined) return undefined;
  const set: NameSet = {};
  for (const value of values) set[value] = true;
  return set;
}

function numbersOf(values: number[] | undefined): NumberSet | undefined {
  if (values === undefined) return undefined;
  const set: NumberSet = {};
  for (const value of values) set[value] = true;
  return set;
}
