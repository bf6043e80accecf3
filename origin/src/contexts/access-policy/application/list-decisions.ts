import type { DecisionRecord } from "@sluice/contract/decision-record.ts";
import {
  type Cidr,
  formatCidr,
  maskAddress,
  parseAddress,
  parseCidr,
} from "@sluice/contract/policy/address.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { accessErrors } from "../errors.ts";
import type { RecordedDecision, RecordedDecisions } from "./ports.ts";

export interface DecisionFilter {
  readonly action?: DecisionRecord["action"] | undefined;
  readonly reason?: DecisionRecord["reason"] | undefined;
  readonly rule?: string | undefined;
  readonly country?: string | undefined;
  readonly method?: string | undefined;
  readonly pathPrefix?: string | undefined;
  /** Address or block. */
  readonly cidr?: string | undefined;
}

export interface DecisionPage {
  readonly decisions: RecordedDecision[];
  /** Where to go on; undefined at the end of the record. A page may be short, and still not the last. */
  readonly next: string | undefined;
}

export const listDecisionsLimits = { readMax: 20_000, pageSize: 2_000 } as const;

/** The latest first. Looks at a bounded part of the record at a time, however rare what is looked for. */
export async function listDecisions(
  record: RecordedDecisions,
  filter: DecisionFilter,
  cursor: string | undefined,
  limit: number,
): Promise<DecisionPage> {
  const wanted = matcher(filter);
  const decisions: RecordedDecision[] = [];
  let before = cursor;
  for (let read = 0; read < listDecisionsLimits.readMax; read += listDecisionsLimits.pageSize) {
    const page = await record.latest(before, listDecisionsLimits.pageSize);
    for (const decision of page) {
      before = decision.id;
      if (!wanted(decision)) continue;
      decisions.push(decision);
      if (decisions.length === limit) return { decisions, next: before };
    }
    if (page.length < listDecisionsLimits.pageSize) return { decisions, next: undefined };
  }
  return { decisions, next: before };
}

function matcher(filter: DecisionFilter): (decision: RecordedDecision) => boolean {
  const { action, reason, rule, country, method, pathPrefix } = filter;
  const block = filter.cidr === undefined ? undefined : blockIn(filter.cidr);
  return (one) =>
    (action === undefined || one.action === action) &&
    (reason === undefined || one.reason === reason) &&
    (rule === undefined || one.rule === rule) &&
    (country === undefined || one.country === country) &&
    (method === undefined || one.method === method) &&
    (pathPrefix === undefined || one.path.startsWith(pathPrefix)) &&
    (block === undefined || holds(block, one.ip));
}

function blockIn(text: string): Cidr {
  const block = parseCidr(text);
  if (block === undefined)
    throw new Refusal(accessErrors.cidrInvalid, { detail: `"${text}" is no address and no CIDR block` });
  return block;
}

/** Whether the block holds the address. */
export function holds(block: Cidr, ip: string): boolean {
  const address = parseAddress(ip);
  if (address === undefined || address.family !== block.base.family) return false;
  return formatCidr({ base: maskAddress(address, block.length), length: block.length }) === formatCidr(block);
}
