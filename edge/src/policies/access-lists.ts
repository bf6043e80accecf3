import type { AccessEntry } from "@sluice/contract/change.ts";
import { parseCidr } from "@sluice/contract/policy/address.ts";
import {
  type AddressTable,
  createAddressTable,
  getBlock,
  idAt,
  NONE,
  setBlock,
  sizeOf,
  versionAt,
} from "@sluice/contract/policy/address-table.ts";
import { beginRound, forgetEnded, forgetOlderRounds } from "@sluice/contract/policy/table-upkeep.ts";
import { decode } from "cjson.safe";
import { nowMs, sleepMs } from "../platform/clock.ts";
import { logError } from "../platform/log.ts";
import { every } from "../platform/timers.ts";

/**
 * Both lists of one worker. A block has one entry, whose states are in order by id and version: an entry that was
 * forgotten and came back has a greater id. What was removed stays for a while with its end below zero, which holds
 * no address, so that an older state which arrives late doesn't bring it back.
 *
 * They are changed where they lie, by a load of everything too: a second table would take as much memory again.
 */
export interface AccessLists {
  readonly allow: AddressTable;
  readonly deny: AddressTable;
}

/** Entries looked at in one go, some tenths of a millisecond. */
const SLICE_ENTRIES = 5_000;
const UPKEEP_INTERVAL_MS = 60_000;
/** What has ended or was removed is kept so long; nothing arrives as late as this. */
const ENDED_KEPT_MS = 300_000;

export function createAccessLists(): AccessLists {
  return { allow: createAddressTable(), deny: createAddressTable() };
}

/** Takes the entry in unless it is known in that version or a newer one. Returns whether anything changed. */
export function applyEntry(lists: AccessLists, text: string): boolean {
  return take(lists, text, false);
}

/** Takes in what Redis holds, whatever was known: all that was told before is older. */
export function loadEntry(lists: AccessLists, text: string): void {
  take(lists, text, true);
}

/** From here on a load shows every entry that there is; `endLoad` removes what it has not shown. */
export function beginLoad(lists: AccessLists): void {
  beginRound(lists.allow);
  beginRound(lists.deny);
}

/** Gives way to requests between its steps. */
export function endLoad(lists: AccessLists): void {
  for (const addresses of [lists.allow, lists.deny]) {
    let at = 0;
    while (at !== NONE) {
      at = forgetOlderRounds(addresses, at, SLICE_ENTRIES);
      sleepMs(0);
    }
  }
}

/** Forgets from time to time what has ended, so that bans which come and go don't pile up. */
export function startUpkeep(lists: AccessLists): void {
  every(UPKEEP_INTERVAL_MS, () => {
    for (const addresses of [lists.allow, lists.deny]) {
      let at = 0;
      while (at !== NONE) {
        at = forgetEnded(addresses, at, SLICE_ENTRIES, nowMs() - ENDED_KEPT_MS);
        sleepMs(0);
      }
    }
  });
}

export function countEntries(lists: AccessLists): number {
  return sizeOf(lists.allow) + sizeOf(lists.deny);
}

function take(lists: AccessLists, text: string, isTruth: boolean): boolean {
  const [value] = decode(text);
  const entry = value as AccessEntry | undefined;
  if (type(entry) !== "table" || entry === undefined || type(entry.id) !== "number") {
    logError("access entry is not readable and was left out");
    return false;
  }
  const cidr = parseCidr(entry.cidr);
  if (cidr === undefined) {
    logError(`access entry ${entry.id} has no valid block and was left out`);
    return false;
  }
  const addresses = entry.list === "allow" ? lists.allow : lists.deny;
  const handle = getBlock(addresses, cidr);
  if (!isTruth && handle !== NONE && !isNewer(entry, idAt(addresses, handle), versionAt(addresses, handle))) {
    return false;
  }
  // What was forgotten and came back under another id: the one that is gone may come after it in a load.
  if (isTruth && entry.removed && handle !== NONE && idAt(addresses, handle) > entry.id) return false;
  const endMs = entry.removed ? -nowMs() : entry.expiresAtMs;
  setBlock(addresses, cidr, entry.id, entry.version, endMs);
  return true;
}

function isNewer(entry: AccessEntry, id: number, version: number): boolean {
  return entry.id === id ? entry.version > version : entry.id > id;
}
