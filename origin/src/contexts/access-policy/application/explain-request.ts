import {
  type Address,
  addressBits,
  formatAddress,
  formatCidr,
  maskAddress,
  parseAddress,
  parseCidr,
} from "@sluice/contract/policy/address.ts";
import { createAddressTable, setBlock } from "@sluice/contract/policy/address-table.ts";
import {
  type AccessState,
  type CompiledPolicy,
  compilePolicy,
  type DecisionStep,
  decide,
  type Verdict,
} from "@sluice/contract/policy/decide.ts";
import type { PolicyDocument, PolicyRule, RateLimit } from "@sluice/contract/policy/document.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { accessErrors } from "../errors.ts";
import { edgePath } from "./edge-path.ts";
import type { AccessLists, Geo, Policies } from "./ports.ts";

export interface ExplainDependencies {
  readonly lists: AccessLists;
  readonly policies: Policies;
  readonly geo: Geo;
  readonly clock: Clock;
}

export interface RequestToExplain {
  readonly ip: string;
  readonly method: string;
  readonly path: string;
  /** Empty: of no host that a rule could name. */
  readonly host: string;
}

/** Of the access policy, or of the edge about the path itself: what is not plain is answered 400. */
export type Explained = Verdict | { action: "deny"; status: 400; reason: "path"; rule: "" };

export interface ExplainedStep extends Omit<DecisionStep, "step"> {
  readonly step: DecisionStep["step"] | "path-unreadable" | "path-not-plain";
}

export interface Explanation {
  readonly verdict: Explained;
  /** What was decided on: the path as the edge reads it. Null when it can't be read. */
  readonly path: string | null;
  readonly country: string;
  /** The number of the network that announces the address; 0 when unknown. */
  readonly asn: number;
  readonly address: string;
  readonly revision: number;
  readonly steps: ExplainedStep[];
  /**
   * What the edge charges when it lets the request in, in this order. How much of it is left only the edge knows; an
   * enforced one that is used up makes the answer a 429.
   */
  readonly limits: ExplainedLimit[];
}

export interface ExplainedLimit extends Required<RateLimit> {
  readonly rule: string;
  readonly mode: PolicyRule["mode"];
}

/**
 * What the edge decides about such a request, by the very code that the edge runs, in the edge's order: a path
 * that can't be read, the policy, then a path that the policy would pass but that is not written plainly. Only the blocks that can
 * hold the address are loaded, at most one per prefix length and list, however long the lists are.
 */
export async function explainRequest(
  on: ExplainDependencies,
  request: RequestToExplain,
): Promise<Explanation> {
  const address = parseAddress(request.ip);
  if (address === undefined) {
    throw new Refusal(accessErrors.addressInvalid, {
      detail: `"${request.ip}" is no IP address`,
      faults: [{ pointer: "/ip", message: "must be an IPv4 or IPv6 address" }],
    });
  }
  const nowMs = on.clock();
  const { revision, document } = await on.policies.current();
  const blocks = blocksAround(address);
  const state: AccessState = {
    allow: createAddressTable(blocks.length),
    deny: createAddressTable(blocks.length),
    policy: compilePolicy(document),
  };
  for (const entry of await on.lists.amongBlocks(blocks, nowMs)) {
    const cidr = parseCidr(entry.cidr);
    if (cidr !== undefined) setBlock(state[entry.list], cidr, entry.id, 0, entry.expiresAtMs ?? 0);
  }
  const text = formatAddress(address);
  const country = on.geo.countryOf(text);
  const asn = on.geo.asnOf(text);
  const trace = { steps: [] as DecisionStep[] };
  const context = { country, asn, address: text, revision };
  const read = edgePath(request.path);
  if (read.outcome === "unreadable") {
    return { verdict: badPath, path: null, ...context, steps: [reached("path-unreadable")], limits: [] };
  }
  const { path, plain } = read;
  const host = request.host.toLowerCase();
  const verdict = decide(state, { address, country, asn, method: request.method, path, host, nowMs }, trace);
  const steps = trace.steps;
  if (verdict.action === "deny") return { verdict, path, ...context, steps, limits: [] };
  const limits = passedLimits(state.policy, document);
  if (plain) return { verdict, path, ...context, steps, limits };
  return { verdict: badPath, path, ...context, steps: [...steps, reached("path-not-plain")], limits };
}

const badPath: Explained = { action: "deny", status: 400, reason: "path", rule: "" };

function passedLimits(policy: CompiledPolicy, document: PolicyDocument): ExplainedLimit[] {
  return policy.passed.slice(0, policy.passedCount).map(({ verdict: { rule } }) => {
    const { mode, limit } = document.rules.find(({ id }) => id === rule) as PolicyRule;
    const { key, requests, seconds, burst = requests } = limit as RateLimit;
    return { rule, mode, key, requests, seconds, burst };
  });
}

function reached(step: ExplainedStep["step"]): ExplainedStep {
  return { step, id: "", matched: true };
}

/** Every block that holds the address, in canonical text: 33 of IPv4 or 129 of IPv6. */
function blocksAround(address: Address): string[] {
  const blocks: string[] = [];
  for (let length = addressBits(address); length >= 0; length--) {
    blocks.push(formatCidr({ base: maskAddress(address, length), length }));
  }
  return blocks;
}
