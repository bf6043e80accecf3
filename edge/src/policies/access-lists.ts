import type { AccessEntry } from "@sluice/contract/change.ts";
import { type Cidr, parseCidr } from "@sluice/contract/policy/address.ts";
import {
  type AddressTable,
  createAddressTable,
  getBlock,
  removeBlock,
  setBlock,
} from "@sluice/contract/policy/address-table.ts";
import { decode } from "cjson.safe";
import { logError } from "../platform/log.ts";

/**
 * Both lists of one worker, and every entry as it came (JSON), because an entry must be known to tell whether
 * another one is newer, and to be written to the snapshot. The text costs a quarter of what a table would.
 */
export interface AccessLists {
  allow: AddressTable;
  deny: AddressTable;
  /** Entry id → JSON, removed entries too. */
  texts: LuaTable<number, string>;
  /** Blocks that several living entries name: `list cidr` → their ids. Absent for all others. */
  shared: LuaTable<string, number[]>;
}

export function createAccessLists(): AccessLists {
  return {
    allow: createAddressTable(),
    deny: createAddressTable(),
    texts: new LuaTable(),
    shared: new LuaTable(),
  };
}

/** Takes the entry in unless it is known in that version or a newer one. Returns whether anything changed. */
export function applyEntry(lists: AccessLists, text: string): boolean {
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
  const heldText = lists.texts.get(entry.id);
  if (heldText !== undefined) {
    const [held] = decode(heldText);
    const previous = held as AccessEntry;
    if (previous.version >= entry.version) return false;
    if (!previous.removed) takeOut(lists, previous, parseCidr(previous.cidr) as Cidr);
  }
  lists.texts.set(entry.id, text);
  if (!entry.removed) putIn(lists, entry, cidr);
  return true;
}

function tableOf(lists: AccessLists, entry: AccessEntry): AddressTable {
  return entry.list === "allow" ? lists.allow : lists.deny;
}

function putIn(lists: AccessLists, entry: AccessEntry, cidr: Cidr): void {
  const addresses = tableOf(lists, entry);
  const holder = getBlock(addresses, cidr);
  if (holder === undefined) {
    setBlock(addresses, cidr, { id: entry.id, expiresAtMs: entry.expiresAtMs });
    return;
  }
  const key = `${entry.list} ${entry.cidr}`;
  const ids = lists.shared.get(key);
  if (ids === undefined) lists.shared.set(key, [holder.id, entry.id]);
  else ids.push(entry.id);
  if (outlives(entry.expiresAtMs, holder.expiresAtMs)) {
    setBlock(addresses, cidr, { id: entry.id, expiresAtMs: entry.expiresAtMs });
  }
}

function takeOut(lists: AccessLists, entry: AccessEntry, cidr: Cidr): void {
  const key = `${entry.list} ${entry.cidr}`;
  const ids = lists.shared.get(key);
  if (ids === undefined) {
    removeBlock(tableOf(lists, entry), cidr);
    return;
  }
  lists.shared.delete(key);
  removeBlock(tableOf(lists, entry), cidr);
  for (const id of ids) {
    if (id === entry.id) continue;
    const [other] = decode(lists.texts.get(id) as string);
    putIn(lists, other as AccessEntry, cidr);
  }
}

function outlives(expiresAtMs: number, otherMs: number): boolean {
  if (otherMs === 0) return false;
  return expiresAtMs === 0 || expiresAtMs > otherMs;
}
