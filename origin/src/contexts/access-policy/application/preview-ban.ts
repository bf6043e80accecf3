import {
  type Cidr,
  formatCidr,
  maskAddress,
  parseAddress,
  parseCidr,
} from "@sluice/contract/policy/address.ts";
import { createAddressTable, findBlock, NONE, setBlock } from "@sluice/contract/policy/address-table.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { accessErrors } from "../errors.ts";
import type { AccessLists, ListEntry, RecordedDecisions } from "./ports.ts";

export interface PreviewDependencies {
  readonly lists: AccessLists;
  readonly record: RecordedDecisions;
  readonly clock: Clock;
}

/** Whom a ban would hit, asked before it is made. */
export interface BanPreview {
  readonly cidr: string;
  /** Allow-listed blocks that have addresses in common with it; the allow list wins, so these stay admitted. */
  readonly allowListed: ListEntry[];
  readonly allowListedCount: number;
  /** Of the latest recorded requests. */
  readonly recorded: number;
  readonly hit: number;
}

export const previewLimits = {
  recentMax: 20_000,
  pageSize: 2_000,
  entriesMax: 20,
  listPage: 10_000,
} as const;

export async function previewBan(on: PreviewDependencies, text: string): Promise<BanPreview> {
  const block = parseCidr(text);
  if (block === undefined)
    throw new Refusal(accessErrors.cidrInvalid, { detail: `"${text}" is no address and no CIDR block` });
  const overlapping = await allowedWithin(on, block);
  const { recorded, hit } = await recentWithin(on.record, block);
  return {
    cidr: formatCidr(block),
    allowListed: overlapping.slice(0, previewLimits.entriesMax),
    allowListedCount: overlapping.length,
    recorded,
    hit,
  };
}

async function allowedWithin({ lists, clock }: PreviewDependencies, block: Cidr): Promise<ListEntry[]> {
  const found: ListEntry[] = [];
  const nowMs = clock();
  let afterId = 0;
  for (;;) {
    const page = await lists.page("allow", afterId, previewLimits.listPage, nowMs);
    for (const entry of page) {
      afterId = entry.id;
      const allowed = parseCidr(entry.cidr);
      if (allowed !== undefined && overlap(allowed, block)) found.push(entry);
    }
    if (page.length < previewLimits.listPage) return found;
  }
}

/** Of two blocks that have an address in common one holds the other. */
function overlap(a: Cidr, b: Cidr): boolean {
  if (a.base.family !== b.base.family) return false;
  const length = Math.min(a.length, b.length);
  return (
    formatCidr({ base: maskAddress(a.base, length), length }) ===
    formatCidr({ base: maskAddress(b.base, length), length })
  );
}

async function recentWithin(record: RecordedDecisions, block: Cidr) {
  const banned = createAddressTable(1);
  setBlock(banned, block, 0, 0, 0);
  let recorded = 0;
  let hit = 0;
  let before: string | undefined;
  while (recorded < previewLimits.recentMax) {
    const page = await record.latest(before, previewLimits.pageSize);
    for (const decision of page) {
      before = decision.id;
      recorded += 1;
      const address = parseAddress(decision.ip);
      if (address !== undefined && findBlock(banned, address, 0) !== NONE) hit += 1;
    }
    if (page.length < previewLimits.pageSize) break;
  }
  return { recorded, hit };
}
