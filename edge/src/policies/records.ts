import {
  type AddressTable,
  blocksAt,
  entryAt,
  expiresAtMsAt,
  IPV6_FIRST,
  idAt,
  setBlock,
  versionAt,
} from "@sluice/contract/policy/address-table.ts";
import { AT_A, AT_B, AT_LOW, doubleOf, lengthOf, wordOf } from "@sluice/contract/policy/block-table.ts";
import { visitEntries } from "@sluice/contract/policy/table-upkeep.ts";
import * as ffi from "ffi";

/**
 * List entries as bytes, for the snapshot: six doubles each. The third holds an IPv6 address' last 32 bits, and below
 * them the length and the family. They go through one piece of memory: strings of a million entries would be collected
 * too late, and stay with the worker.
 */
const NUMBERS = 6;
export const RECORD_BYTES = NUMBERS * 8;
/** Entries looked at for one piece, about a millisecond's work. */
export const PIECE_ENTRIES = 4_096;
const FAMILY_FACTOR = 2;
const LENGTH_FACTOR = 512;

export type Piece = ffi.Pointer<number>;

export function createPiece(): Piece {
  return ffi.new<Piece>("double[?]", PIECE_ENTRIES * NUMBERS);
}

/** The entries of one step into the piece: how many, and where to go on (see `table-upkeep.ts`). */
export function packEntries(
  piece: Piece,
  addresses: AddressTable,
  from: number,
): LuaMultiReturn<[count: number, next: number]> {
  let count = 0;
  const next = visitEntries(addresses, from, PIECE_ENTRIES, (handle) => {
    packEntry(piece, count * NUMBERS, addresses, handle);
    count += 1;
  });
  return $multi(count, next);
}

function packEntry(piece: Piece, at: number, addresses: AddressTable, handle: number): void {
  const blocks = blocksAt(addresses, handle);
  const entry = entryAt(handle);
  const low = wordOf(blocks, entry, AT_LOW);
  const isIpv6 = handle >= IPV6_FIRST;
  piece[at] = isIpv6 ? doubleOf(blocks, entry, AT_A) : low;
  piece[at + 1] = isIpv6 ? doubleOf(blocks, entry, AT_B) : 0;
  piece[at + 2] =
    (isIpv6 ? low : 0) * LENGTH_FACTOR + lengthOf(blocks, entry) * FAMILY_FACTOR + (isIpv6 ? 1 : 0);
  piece[at + 3] = idAt(addresses, handle);
  piece[at + 4] = versionAt(addresses, handle);
  piece[at + 5] = expiresAtMsAt(addresses, handle);
}

export function unpackEntries(addresses: AddressTable, piece: Piece, count: number): void {
  for (let i = 0; i < count; i++) {
    const at = i * NUMBERS;
    const packed = piece[at + 2] as number;
    const low = packed % LENGTH_FACTOR;
    const base = {
      family: (low % FAMILY_FACTOR === 1 ? 6 : 4) as 4 | 6,
      a: piece[at] as number,
      b: piece[at + 1] as number,
      c: Math.floor(packed / LENGTH_FACTOR),
    };
    const length = Math.floor(low / FAMILY_FACTOR);
    setBlock(
      addresses,
      { base, length },
      piece[at + 3] as number,
      piece[at + 4] as number,
      piece[at + 5] as number,
    );
  }
}
