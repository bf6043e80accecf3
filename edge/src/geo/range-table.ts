import type { Address } from "@sluice/contract/policy/address.ts";
import { allocateFlat } from "@sluice/contract/policy/flat-memory.ts";
import * as ffi from "ffi";
import { bytesAt } from "../platform/bytes.ts";
import { checksumOf } from "../platform/checksum.ts";

/**
 * A number for each address, its country or its network: sorted starts of ranges, searched by halving, in flat arrays
 * without pointers. Nearly every /24 of IPv4 lies in one range, and its value is there to be read: a search is a loop,
 * and LuaJIT compiles nothing as a whole that has a loop inside. `edge/geo/table-file.ts` compiles them; the file,
 * little endian, every part padded to 8 bytes:
 *
 *     char     magic[8]              "SLGEO3\n\0"
 *     uint32   ipv4Count, ipv6Count, pieceBytes, pieceCount, blockCount, zero
 *     double   builtAt               of the source, Unix time in seconds
 *     char     id[32]                names the content
 *     double   checksum[pieceCount]  of each piece of what follows (`platform/checksum.ts`)
 *
 *     double   ipv6A[ipv6Count]      the start's limbs, as `Address` has them
 *     double   ipv6B[ipv6Count]
 *     uint32   ipv6C[ipv6Count]
 *     uint32   ipv4[ipv4Count]
 *     uint32   ipv6Value[ipv6Count]
 *     uint32   ipv4Value[ipv4Count]
 *     uint32   ipv4Blocks[65537]     for each 2^16 addresses, and one behind the last: the range in which it starts
 *     uint32   networkBlocks[65536]  for each 2^16 addresses: where its 256 networks begin
 *     uint32   networkValue[blockCount * 256]  2^32 - 1 for a network that has to be searched
 *
 * A range ends where the next one starts; the first of each family starts at zero. Nothing of a file is used before
 * every piece has shown its checksum.
 */
export const TABLE_MAGIC = "SLGEO3\n";
export const TABLE_HEAD_BYTES = 72;
/** Far more than the whole of routing; what a damaged head claims is not believed. */
export const TABLE_BYTES_MAX = 268_435_456;
const BLOCKS = 65_537;
const NETWORKS_PER_BLOCK = 256;
/** Of a network that lies in several ranges. */
const SPLIT = 4_294_967_295;
const PIECE_BYTES_MIN = 4_096;
/** A file of zeros, as a crash may leave it, is no table. */
const SEED = 1;

export interface RangeTable {
  id: string;
  ipv4Count: number;
  ipv6Count: number;
  ipv4: ffi.Pointer<number>;
  ipv4Value: ffi.Pointer<number>;
  ipv4Blocks: ffi.Pointer<number>;
  ipv6A: ffi.Pointer<number>;
  ipv6B: ffi.Pointer<number>;
  ipv6C: ffi.Pointer<number>;
  ipv6Value: ffi.Pointer<number>;
  /** What all of the arrays lie in. */
  memory: ffi.Bytes;
  networkBlocks: ffi.Pointer<number>;
  networkValue: ffi.Pointer<number>;
}

/** What of the table's content the file names at its head; undefined where there is no such file. */
export function readTableHead(path: string): string | undefined {
  const [file] = io.open(path, "rb");
  if (file === undefined) return undefined;
  const head = file.read(TABLE_HEAD_BYTES);
  file.close();
  return head === undefined ? "" : (head as string);
}

/** A table that is read a piece at a time: by {@link readPiece}, until it `isDone`. */
export interface TableReading {
  readonly path: string;
  readonly file: LuaFile;
  readonly head: string;
  isDone: boolean;
  /** Only when it is done. */
  ranges: RangeTable | undefined;
  failure: string | undefined;
  ipv4Count: number;
  ipv6Count: number;
  blockCount: number;
  bytes: number;
  pieceBytes: number;
  sums: ffi.Pointer<number>;
  /** Keeps what `sums` points into. */
  checksums: string;
  memory: ffi.Bytes;
  piece: number;
}

const DAMAGED = "is cut short or damaged";

/** Begins; of a file that is none, with a failure. */
export function beginTable(path: string): TableReading | undefined {
  const [file] = io.open(path, "rb");
  if (file === undefined) return undefined;
  const head = read(file, TABLE_HEAD_BYTES);
  const padded = head.length < TABLE_HEAD_BYTES ? string.rep("\0", TABLE_HEAD_BYTES) : head;
  const numbers = ffi.cast<ffi.Pointer<number>>("const uint32_t *", padded);
  const ipv4Count = numbers[2] as number;
  const ipv6Count = numbers[3] as number;
  const pieceBytes = numbers[4] as number;
  const pieceCount = numbers[5] as number;
  const blockCount = numbers[6] as number;
  const bytes =
    ipv6Count * 16 +
    aligned(ipv6Count) * 2 +
    aligned(ipv4Count) * 2 +
    aligned(BLOCKS) +
    aligned(BLOCKS - 1) +
    aligned(blockCount * NETWORKS_PER_BLOCK);
  const isSound =
    ipv4Count > 0 &&
    ipv6Count > 0 &&
    blockCount > 0 &&
    pieceBytes >= PIECE_BYTES_MIN &&
    bytes <= TABLE_BYTES_MAX;
  const sumsBytes = isSound && pieceCount === Math.ceil(bytes / pieceBytes) ? pieceCount * 8 : 0;
  const checksums = read(file, sumsBytes);
  const reading: TableReading = {
    path,
    file,
    head,
    isDone: false,
    ranges: undefined,
    failure: undefined,
    ipv4Count,
    ipv6Count,
    blockCount,
    bytes,
    pieceBytes,
    sums: ffi.cast("const double *", checksums),
    checksums,
    memory: allocateFlat("uint8", sumsBytes === 0 ? 1 : bytes) as unknown as ffi.Bytes,
    piece: 0,
  };
  if (head.substring(0, TABLE_MAGIC.length) !== TABLE_MAGIC)
    endReading(reading, "is no table of this format");
  else if (sumsBytes === 0 || checksums.length !== sumsBytes) endReading(reading, DAMAGED);
  return reading;
}

export function readPiece(reading: TableReading): void {
  const at = reading.piece * reading.pieceBytes;
  const expected = Math.min(reading.pieceBytes, reading.bytes - at);
  const text = read(reading.file, expected);
  if (text.length !== expected || checksumOf(text, SEED) !== reading.sums[reading.piece]) {
    endReading(reading, DAMAGED);
    return;
  }
  ffi.copy(bytesAt(reading.memory, at), text, expected);
  reading.piece += 1;
  if (at + expected < reading.bytes) return;
  reading.ranges = arrange(reading);
  endReading(reading, undefined);
}

function endReading(reading: TableReading, failure: string | undefined): void {
  reading.isDone = true;
  reading.failure = failure === undefined ? undefined : `${reading.path} ${failure}`;
  reading.file.close();
}

function arrange({ head, memory, ipv4Count, ipv6Count }: TableReading): RangeTable {
  const ipv6C = ipv6Count * 16;
  const ipv4 = ipv6C + aligned(ipv6Count);
  const ipv6Value = ipv4 + aligned(ipv4Count);
  const ipv4Value = ipv6Value + aligned(ipv6Count);
  const ipv4Blocks = ipv4Value + aligned(ipv4Count);
  const networkBlocks = ipv4Blocks + aligned(BLOCKS);
  const networkValue = networkBlocks + aligned(BLOCKS - 1);
  return {
    id: head.substring(40, 72),
    ipv4Count,
    ipv6Count,
    ipv6A: ffi.cast("const double *", memory),
    ipv6B: ffi.cast("const double *", bytesAt(memory, ipv6Count * 8)),
    ipv6C: ffi.cast("const uint32_t *", bytesAt(memory, ipv6C)),
    ipv4: ffi.cast("const uint32_t *", bytesAt(memory, ipv4)),
    ipv6Value: ffi.cast("const uint32_t *", bytesAt(memory, ipv6Value)),
    ipv4Value: ffi.cast("const uint32_t *", bytesAt(memory, ipv4Value)),
    ipv4Blocks: ffi.cast("const uint32_t *", bytesAt(memory, ipv4Blocks)),
    networkBlocks: ffi.cast("const uint32_t *", bytesAt(memory, networkBlocks)),
    networkValue: ffi.cast("const uint32_t *", bytesAt(memory, networkValue)),
    memory,
  };
}

/**
 * The value of the address.
 *
 * @hot
 */
export function valueAt(ranges: RangeTable, address: Address): number {
  if (address.family === 6) {
    return ranges.ipv6Value[findIpv6(ranges, address.a, address.b, address.c)] as number;
  }
  const networks = ranges.networkBlocks[Math.floor(address.a / 65536)] as number;
  const value = ranges.networkValue[
    networks + (Math.floor(address.a / 256) & (NETWORKS_PER_BLOCK - 1))
  ] as number;
  return value === SPLIT ? (ranges.ipv4Value[findIpv4(ranges, address.a)] as number) : value;
}

/**
 * Index of the last start that is not above the address. The blocks leave three or four steps of halving where the
 * whole table would take nineteen.
 *
 * @hot
 */
function findIpv4(ranges: RangeTable, address: number): number {
  const starts = ranges.ipv4;
  const high16 = Math.floor(address / 65536);
  let low = ranges.ipv4Blocks[high16] as number;
  let high = ranges.ipv4Blocks[high16 + 1] as number;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= address) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** @hot */
function findIpv6(ranges: RangeTable, a: number, b: number, c: number): number {
  let low = 0;
  let high = ranges.ipv6Count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (startsAtOrBelow(ranges, middle, a, b, c)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** @hot */
function startsAtOrBelow(ranges: RangeTable, at: number, a: number, b: number, c: number): boolean {
  const startA = ranges.ipv6A[at] as number;
  if (startA !== a) return startA < a;
  const startB = ranges.ipv6B[at] as number;
  if (startB !== b) return startB < b;
  return (ranges.ipv6C[at] as number) <= c;
}

function read(file: LuaFile, bytes: number): string {
  const text = file.read(bytes);
  return text === undefined ? "" : (text as string);
}

/** Bytes of so many words of 32 bits, padded. */
function aligned(words: number): number {
  return Math.ceil(words / 2) * 8;
}
