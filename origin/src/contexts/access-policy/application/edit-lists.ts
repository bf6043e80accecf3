import { formatCidr, parseCidr } from "@sluice/contract/policy/address.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { nextBanMs } from "../domain/ban-escalation.ts";
import { accessErrors } from "../errors.ts";
import type { AccessLists, EntryToPut, ListName, PutBan, PutEntry } from "./ports.ts";

export interface EditListsDependencies {
  readonly lists: AccessLists;
  readonly clock: Clock;
}

export type NewEntry = Omit<EntryToPut, "createdAtMs">;

/**
 * Bans the block, for longer than the last time when it was banned before (see domain/ban-escalation.ts). The entry
 * says the end of a first ban.
 */
export async function banAgain({ lists, clock }: EditListsDependencies, entry: NewEntry): Promise<PutBan> {
  const nowMs = clock();
  if (endsBefore(entry, nowMs)) throw expiryPast();
  const { expiresAtMs } = entry;
  if (typeof expiresAtMs !== "number") {
    throw new Refusal(accessErrors.escalationEndless, {
      faults: [{ pointer: "/expiresAt", message: "must say when a first ban would end" }],
    });
  }
  const asked = expiresAtMs - nowMs;
  return lists.ban({ ...entry, cidr: understood(entry.cidr), createdAtMs: nowMs }, (past) =>
    nextBanMs(asked, past, nowMs),
  );
}

export async function putEntry(
  { lists, clock }: EditListsDependencies,
  list: ListName,
  entry: NewEntry,
): Promise<PutEntry> {
  const nowMs = clock();
  if (endsBefore(entry, nowMs)) throw expiryPast();
  const toPut = { ...entry, cidr: understood(entry.cidr), createdAtMs: nowMs };
  const { expiresAtMs } = entry;
  // Every ban with an end is remembered, in case that the next one is to be longer.
  return list === "deny" && typeof expiresAtMs === "number"
    ? lists.ban(toPut, () => expiresAtMs - nowMs)
    : lists.put(list, toPut);
}

function expiryPast(): Refusal {
  return new Refusal(accessErrors.expiryPast, {
    faults: [{ pointer: "/expiresAt", message: "must lie in the future" }],
  });
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
