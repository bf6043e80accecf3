import { type Address, addressFromBytes } from "@sluice/contract/policy/address.ts";
import {
  type AccessRequest,
  type AccessState,
  type CompiledPolicy,
  compilePolicy,
  decide,
  type Verdict,
} from "@sluice/contract/policy/decide.ts";
import {
  ASN_UNKNOWN,
  COUNTRY_UNKNOWN,
  POLICY_INITIAL,
  type PolicyDocument,
} from "@sluice/contract/policy/document.ts";
import { decode } from "cjson.safe";
import { asnOf, countryOf } from "../geo/geo-data.ts";
import { giveWayWhenDue, nowMs } from "../platform/clock.ts";
import { logError } from "../platform/log.ts";
import { clientAddressBytes, readClientAddress, requestHost } from "../platform/request.ts";
import { variableBytes, variableLength } from "../platform/variables.ts";
import { type AccessLists, createAccessLists } from "./access-lists.ts";

/**
 * The access decision of one worker. Nothing is let through before a policy was loaded, from Redis or from
 * the snapshot; a policy that can't be read leaves the one before it in force.
 *
 * @perWorker
 */
const lists = createAccessLists();
/** @perWorker */
const state: AccessState = {
  allow: lists.allow,
  deny: lists.deny,
  policy: compilePolicy(POLICY_INITIAL),
};
/** @perWorker */
let policyText = "";
/** @perWorker */
let policyVersion = -1;
/** @perWorker */
let observed = new LuaTable<string, number>();

/**
 * Both are reused for each decision, which never waits: making tables for it would cost more than making it.
 *
 * @perWorker
 */
const ipv4: Address = { family: 4, a: 0, b: 0, c: 0 };
/** @perWorker */
const request: AccessRequest = {
  address: ipv4,
  country: COUNTRY_UNKNOWN,
  asn: ASN_UNKNOWN,
  method: "",
  path: "",
  host: "",
  nowMs: 0,
};

export function accessLoaded(): boolean {
  return policyVersion >= 0;
}

/**
 * Decides by the rules of the contract; `lastCountry` tells the country that it went by.
 *
 * @hot
 */
export function decideAccess(method: string, path: string): Verdict {
  const address = readAddress();
  request.address = address;
  request.country = countryOf(address);
  request.method = method;
  request.path = path;
  if (state.policy.usesAsn) request.asn = asnOf(address);
  if (state.policy.usesHost) request.host = requestHost();
  request.nowMs = nowMs();
  return decide(state, request, undefined);
}

/** Of the address that was decided about last. */
export function lastCountry(): string {
  return request.country;
}

/** Of the decision that was made last: its address, its time, and the policy with the limits that it passed. */
export function lastAddress(): Address {
  return request.address;
}

export function lastPolicy(): CompiledPolicy {
  return state.policy;
}

export function lastNowMs(): number {
  return request.nowMs;
}

export function currentLists(): AccessLists {
  return lists;
}

export function currentPolicy(): LuaMultiReturn<[version: number, text: string]> {
  return $multi(policyVersion, policyText);
}

/**
 * Puts a policy in force; `text` is a `PolicyDocument`, or empty for what stands before the first one. While requests
 * are served they go on by the policy before until the new one is compiled.
 */
export function replacePolicy(version: number, text: string): boolean {
  let document: unknown = POLICY_INITIAL;
  if (text !== "") {
    const [parsed, parseError] = decode(text);
    if (parseError !== undefined) {
      logError(`policy revision ${version} is not JSON; the one before stays in force`);
      return false;
    }
    document = parsed;
  }
  const [ok, compiled] = pcall(compilePolicy, document as PolicyDocument, giveWayWhenDue);
  if (!ok) {
    logError(`policy revision ${version} cannot be used; the one before stays in force`);
    return false;
  }
  gatherObserved();
  state.policy = compiled as AccessState["policy"];
  policyVersion = version;
  policyText = text;
  return true;
}

/** How often rules matched in mode `observe` since this was asked last, by `rule|action`. */
export function takeObserved(): LuaTable<string, number> {
  gatherObserved();
  const taken = observed;
  observed = new LuaTable();
  return taken;
}

/** A policy that goes takes its counts with it. */
function gatherObserved(): void {
  for (const rule of state.policy.rules) {
    if (rule.observed > 0) {
      const key = `${rule.verdict.rule}|${rule.verdict.action}`;
      const before = observed.get(key);
      observed.set(key, before === undefined ? rule.observed : before + rule.observed);
      rule.observed = 0;
    }
  }
}

/** @hot */
function readAddress(): Address {
  readClientAddress();
  if (variableLength() === 4) {
    const bytes = variableBytes();
    ipv4.a =
      (((bytes[0] as number) * 256 + (bytes[1] as number)) * 256 + (bytes[2] as number)) * 256 +
      (bytes[3] as number);
    return ipv4;
  }
  const address = addressFromBytes(clientAddressBytes());
  // A listener on a Unix socket has clients without an address: nothing could be decided about them.
  if (address === undefined) error("the client has no IP address");
  return address;
}
