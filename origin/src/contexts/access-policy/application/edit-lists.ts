import { formatCidr, parseCidr } from "@sluice/contract/policy/address.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { accessErrors } from "../errors.ts";
import type { AccessLists, ListEntry, ListName } from "./ports.ts";

export interface EditListsDependencies {
  readonly lists: AccessLists;
  readonly clock: Clock;
}

export interface NewEntry {
  readonly cidr: string;
  readonly reason: string;
  readonly source: string;
  readonly expiresAtMs: number | undefined;
}

export async function putEntry(
  { lists, clock }: EditListsDependencies,
  list: ListName,
  { cidr, reason, source, expiresAtMs }: NewEntry,
): Promise<{ readonly entry: ListEntry; readonly added: boolean }> {
  const nowMs = clock();
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs) {
    throw new Refusal(accessErrors.expiryPast, {
      faults: [{ pointer: "/expiresAt", message: "must lie in the future" }],
    });
  }
  return lists.put({ list, cidr: understood(cidr), reason, source, createdAtMs: nowMs, expiresAtMs });
}

export async function removeEntry(
  { lists, clock }: EditListsDependencies,
  list: ListName,
  cidr: string,
): Promise<void> {
  if (!(await lists.remove(list, understood(cidr), clock()))) throw new Refusal(accessErrors.entryUnknown);
}

/** `2001:DB8::/32`, `2001:db8:0::1/32` and `2001:db8::/32` are one block. Undefined for what is none. */
export function canonicalCidr(text: string): string | undefined {
  const cidr = parseCidr(text);
  return cidr === undefined ? undefined : formatCidr(cidr);
}

function understood(text: string): string {
  const cidr = canonicalCidr(text);
  if (cidr !== undefined) return cidr;
  throw new Refusal(accessErrors.cidrInvalid, {
    detail: `"${text}" is no address and no CIDR block`,
    faults: [{ pointer: "/cidr", message: "must be like 203.0.113.0/24, 2001:db8::/32 or a single address" }],
  });
}
