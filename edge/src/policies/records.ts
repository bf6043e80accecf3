import {
  type AddressTable,
  cidrAt,
  expiresAtMsAt,
  idAt,
  setBlock,
  versionAt,
} from "@sluice/contract/policy/address-table.ts";
import { visitEntries } from "@sluice/contract/policy/table-upkeep.ts";
import * as ffi from "ffi";

/**
 * List entries as bytes, for the snapshot: six doubles each. The third holds an IPv6 address' last 32 bits, and below
 * them the length and the family.
 */
const NUMBERS = 6;
export const RECORD_BYTES = NUMBERS * 8;
/** Entries looked at for one piece, about a millisecond's work. */
export const PIECE_ENTRIES = 4_096;
const FAMILY_FACTOR = 2;
const LENGTH_FACTOR = 512;

/** The entries of one step as bytes, and where to go on (see `table-upkeep.ts`). */
export function packEntries(
  addresses: AddressTable,
  from: number,
): LuaMultiReturn<[bytes: string, next: number]> {
  const piece = ffi.new<ffi.Pointer<number>>("double[?]", PIECE_ENTRIES * NUMBERS);
  let count = 0;
  const next = visitEntries(addresses, from, PIECE_ENTRIES, (handle) => {
    const { base, length } = cidrAt(addresses, handle);
    const at = count * NUMBERS;
    piece[at] = base.a;
    piece[at + 1] = base.b;
    piece[at + 2] = base.c * LENGTH_FACTOR + length * FAMILY_FACTOR + (base.family === 6 ? 1 : 0);
    piece[at + 3] = idAt(addresses, handle);
    piece[at + 4] = versionAt(addresses, handle);
    piece[at + 5] = expiresAtMsAt(addresses, handle);
    count += 1;
  });
  return $multi(ffi.string(piece, count * RECORD_BYTES), next);
}

export function unpackEntries(addresses: AddressTable, bytes: string): void {
  const piece = ffi.cast<ffi.Pointer<number>>("const double *", bytes);
  const count = Math.floor(bytes.length / RECORD_BYTES);
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
