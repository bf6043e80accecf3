/** Writes what `edge/src/geo/range-table.ts` reads; the format stands there. */
import { createHash } from "node:crypto";
import type { Ranges } from "./read-ranges.ts";

/** Checked and copied by a worker in one go, in a fraction of a millisecond. */
const PIECE_BYTES = 16_384;
const BLOCKS = 65_537;
const NETWORKS_PER_BLOCK = 256;
/** Of a /24 network that lies in several ranges; no country, and as an ASN it is reserved (RFC 7300). */
const SPLIT = 0xffff_ffff;

export interface TableFile {
  readonly bytes: Buffer;
  /** Names the content: equal data are not loaded again. */
  readonly id: string;
}

export function encodeTable(data: { ipv4: Ranges; ipv6: Ranges; builtAtMs: number }): TableFile {
  const { ipv4, ipv6 } = data;
  const searchFrom = blocksOf(ipv4);
  const networks = networksOf(ipv4, searchFrom);
  const body = Buffer.concat([
    bytesOf(Float64Array.from(ipv6.starts, ({ a }) => a)),
    bytesOf(Float64Array.from(ipv6.starts, ({ b }) => b)),
    bytesOf(Uint32Array.from(ipv6.starts, ({ c }) => c)),
    bytesOf(Uint32Array.from(ipv4.starts, ({ a }) => a)),
    bytesOf(Uint32Array.from(ipv6.values)),
    bytesOf(Uint32Array.from(ipv4.values)),
    bytesOf(searchFrom),
    bytesOf(networks.blocks),
    bytesOf(networks.values),
  ]);
  const id = createHash("sha256").update(body).digest("hex").slice(0, 32);
  const pieces = Math.ceil(body.length / PIECE_BYTES);
  const sums = Float64Array.from({ length: pieces }, (_, piece) =>
    checksumOf(body.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES)),
  );
  const head = Buffer.alloc(40);
  head.write("SLGEO3\n\0", "latin1");
  head.writeUInt32LE(ipv4.starts.length, 8);
  head.writeUInt32LE(ipv6.starts.length, 12);
  head.writeUInt32LE(PIECE_BYTES, 16);
  head.writeUInt32LE(pieces, 20);
  head.writeUInt32LE(networks.values.length / NETWORKS_PER_BLOCK, 24);
  head.writeDoubleLE(data.builtAtMs / 1000, 32);
  return { bytes: Buffer.concat([head, Buffer.from(id, "latin1"), bytesOf(sums), body]), id };
}

/** Where a search in a block of 2^16 addresses begins. */
function blocksOf({ starts }: Ranges): Uint32Array {
  const blocks = new Uint32Array(BLOCKS);
  let range = 0;
  for (let block = 0; block < BLOCKS; block++) {
    while (range + 1 < starts.length && (starts[range + 1]?.a as number) <= block * 65_536) range += 1;
    blocks[block] = range;
  }
  return blocks;
}

/**
 * The value of each /24 network, by blocks of 2^16 addresses of which equal ones are kept once: of the world's
 * countries fewer than 10,000 are left. `blocks` says where in `values` each begins.
 */
function networksOf(
  { starts, values }: Ranges,
  searchFrom: Uint32Array,
): { blocks: Uint32Array; values: Uint32Array } {
  const blocks = new Uint32Array(BLOCKS - 1);
  const known = new Map<string, number>();
  const kept: Uint32Array[] = [];
  for (let block = 0; block < blocks.length; block++) {
    const networks = new Uint32Array(NETWORKS_PER_BLOCK);
    let range = searchFrom[block] as number;
    for (let network = 0; network < NETWORKS_PER_BLOCK; network++) {
      const first = block * 65_536 + network * 256;
      while (range + 1 < starts.length && (starts[range + 1]?.a as number) <= first) range += 1;
      const isSplit = range + 1 < starts.length && (starts[range + 1]?.a as number) < first + 256;
      networks[network] = isSplit ? SPLIT : (values[range] as number);
    }
    const key = Buffer.from(networks.buffer).toString("latin1");
    let at = known.get(key);
    if (at === undefined) {
      at = kept.length * NETWORKS_PER_BLOCK;
      known.set(key, at);
      kept.push(networks);
    }
    blocks[block] = at;
  }
  const all = new Uint32Array(kept.length * NETWORKS_PER_BLOCK);
  kept.forEach((networks, index) => {
    all.set(networks, index * NETWORKS_PER_BLOCK);
  });
  return { blocks, values: all };
}

/** As `edge/src/platform/checksum.ts` has it: the sums of Fletcher's checksum, of words of 32 bits. */
function checksumOf(bytes: Buffer): number {
  let sum = 1;
  let sums = 0;
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    sum = (sum + bytes.readUInt32LE(at)) % 16_777_213;
    sums = (sums + sum) % 16_777_213;
  }
  return sums * 16_777_216 + sum;
}

/** Padded to a multiple of 8. Little endian, as every machine that nginx runs on. */
function bytesOf(array: Float64Array | Uint32Array): Buffer {
  const padded = Buffer.alloc(Math.ceil(array.byteLength / 8) * 8);
  padded.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return padded;
}
