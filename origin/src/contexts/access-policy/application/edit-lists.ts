import { formatCidr, parseCidr } from "@sluice/contract/policy/address.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { accessErrors } from "../errors.ts";
import type { AccessLists, EntryToPut, ListEntry, ListName } from "./ports.ts";

export interface EditListsDependencies {
  readonly lists: AccessLists;
  readonly clock: Clock;
}

export type NewEntry = Omit<EntryToPut, "createdAtMs">;

export async function putEntry(
  { lists, clock }: EditListsDependencies,
  list: ListName,
  entry: NewEntry,
): Promise<{ readonly entry: ListEntry; readonly added: boolean }> {
  const nowMs = clock();
  if (endsBefore(entry, nowMs)) {
    throw new Refusal(accessErrors.expiryPast, {
      faults: [{ pointer: "/expiresAt", message: "must lie in the future" }],
    });
  }
  return lists.put(list, { ...entry, cidr: understood(entry.cidr), createdAtMs: nowMs });
}

/** Whether the entry would be over before it begins. */
export function endsBefore({ expiresAtMs }: NewEntry, nowMs: number): boolean {
  return typeof expiresAtMs === "number" && expiresAtMs <= nowMs;
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
