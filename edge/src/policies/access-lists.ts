import type { AccessEntry } from "@sluice/contract/change.ts";
import { type Cidr, formatCidr, parseCidr } from "@sluice/contract/policy/address.ts";
import {
  type AddressTable,
  blocksAt,
  createAddressTable,
  entryAt,
  expiresAtMsAt,
  getBlock,
  idAt,
  NONE,
  setBlock,
  sizeOf,
  versionAt,
} from "@sluice/contract/policy/address-table.ts";
import { roundOf } from "@sluice/contract/policy/block-table.ts";
import {
  beginRenewal,
  beginRound,
  forgetEnded,
  forgetOlderRounds,
  renewFilters,
  wantsNewFilters,
} from "@sluice/contract/policy/table-upkeep.ts";
import { decode } from "cjson.safe";
import { giveWay, nowMs } from "../platform/clock.ts";
import { logError } from "../platform/log.ts";
import { every } from "../platform/timers.ts";

/**
 * Both lists of one worker. What was removed stays for a while with its end below zero, which holds no address, so
 * that an older state which arrives late doesn't bring it back. Of several entries for one block the table has the one
 * that lasts longest; the others, which are few, wait in `shared` until that one is lifted.
 *
 * They are changed where they lie, by a load of everything too: a second table would take as much memory again.
 */
export interface AccessLists {
  readonly allow: AddressTable;
  readonly deny: AddressTable;
  /** By list and block. Absent for blocks with one entry. */
  shared: LuaTable<string, SharedBlock>;
}

interface SharedBlock {
  readonly list: AccessEntry["list"];
  readonly cidr: string;
  others: EntryState[];
}

interface EntryState {
  id: number;
  version: number;
  /** 0 for never; below zero when it was removed. */
  endMs: number;
}

/** Entries looked at in one go, some tenths of a millisecond. */
const SLICE_ENTRIES = 5_000;
const UPKEEP_INTERVAL_MS = 60_000;
/** What has ended or was removed is kept so long; nothing arrives as late as this. */
const ENDED_KEPT_MS = 300_000;

export function createAccessLists(): AccessLists {
  return { allow: createAddressTable(), deny: createAddressTable(), shared: new LuaTable() };
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
  lists.shared = new LuaTable();
}

/** Gives way to requests between its steps. */
export function endLoad(lists: AccessLists): void {
  for (const addresses of [lists.allow, lists.deny]) {
    let at = 0;
    while (at !== NONE) {
      at = forgetOlderRounds(addresses, at, SLICE_ENTRIES);
      giveWay();
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
        giveWay();
      }
      if (wantsNewFilters(addresses)) renewAll(addresses);
    }
    forgetEndedOthers(lists, nowMs() - ENDED_KEPT_MS);
  });
}

function renewAll(addresses: AddressTable): void {
  beginRenewal(addresses);
  let at = 0;
  while (at !== NONE) {
    at = renewFilters(addresses, at, SLICE_ENTRIES);
    giveWay();
  }
}

function forgetEndedOthers(lists: AccessLists, beforeMs: number): void {
  for (const [key, block] of lists.shared) {
    const kept: EntryState[] = [];
    for (const other of block.others) {
      if (other.endMs === 0 || math.abs(other.endMs) >= beforeMs) kept.push(other);
    }
    block.others = kept;
    if (kept.length === 0) lists.shared.delete(key);
  }
}

/** The entries that the tables have no room for, as they come. */
export function sharedEntries(lists: AccessLists): string[] {
  const texts: string[] = [];
  for (const [, { list, cidr, others }] of lists.shared) {
    for (const { id, version, endMs } of others) {
      const removed = endMs < 0 ? "true" : "false";
      const numbers = string.format(
        '"id":%d,"version":%d,"expiresAtMs":%.0f',
        id,
        version,
        math.max(endMs, 0),
      );
      texts.push(`{${numbers},"list":"${list}","cidr":"${cidr}","removed":${removed}}`);
    }
  }
  return texts;
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
  const endMs = entry.removed ? -nowMs() : entry.expiresAtMs;
  const handle = getBlock(addresses, cidr);
  if (handle === NONE || (isTruth && !isShown(addresses, handle))) {
    // What was removed lifts no other entry, which may come after it in a load.
    if (handle !== NONE && entry.removed && idAt(addresses, handle) !== entry.id) return false;
    setBlock(addresses, cidr, entry.id, entry.version, endMs);
    return true;
  }
  const state = { id: entry.id, version: entry.version, endMs };
  if (idAt(addresses, handle) === entry.id) {
    if (versionAt(addresses, handle) >= entry.version) return false;
    setBlock(addresses, cidr, entry.id, entry.version, endMs);
  } else if (!addOther(lists, entry.list, formatCidr(cidr), state)) {
    return false;
  }
  putLongestFirst(lists, entry.list, cidr);
  return true;
}

/** Whether the load that was begun last has shown what is there. */
function isShown(addresses: AddressTable, handle: number): boolean {
  return roundOf(blocksAt(addresses, handle), entryAt(handle)) === addresses.round;
}

/** Returns whether it is news. */
function addOther(lists: AccessLists, list: AccessEntry["list"], cidr: string, state: EntryState): boolean {
  const key = `${list} ${cidr}`;
  let block = lists.shared.get(key);
  if (block === undefined) {
    block = { list, cidr, others: [] };
    lists.shared.set(key, block);
  }
  for (const other of block.others) {
    if (other.id === state.id) {
      if (other.version >= state.version) return false;
      other.version = state.version;
      other.endMs = state.endMs;
      return true;
    }
  }
  block.others.push(state);
  return true;
}

function putLongestFirst(lists: AccessLists, list: AccessEntry["list"], cidr: Cidr): void {
  if (lists.shared.isEmpty()) return;
  const block = lists.shared.get(`${list} ${formatCidr(cidr)}`);
  if (block === undefined) return;
  const addresses = list === "allow" ? lists.allow : lists.deny;
  const handle = getBlock(addresses, cidr);
  for (const other of block.others) {
    const endMs = expiresAtMsAt(addresses, handle);
    if (outlives(other.endMs, endMs)) {
      const { id, version, endMs: otherEndMs } = other;
      other.id = idAt(addresses, handle);
      other.version = versionAt(addresses, handle);
      other.endMs = endMs;
      setBlock(addresses, cidr, id, version, otherEndMs);
    }
  }
}

function outlives(endMs: number, otherMs: number): boolean {
  if (endMs < 0 || otherMs === 0) return false;
  return otherMs < 0 || endMs === 0 || endMs > otherMs;
}
