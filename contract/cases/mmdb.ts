/**
 * Small files of MaxMind's format for tests, written after its specification
 * (https://maxmind.github.io/MaxMind-DB/), with the records that a test needs.
 */
import { addressBits, type Cidr, parseCidr } from "../src/policy/address.ts";

export interface MmdbOptions {
  /** `GeoLite2-City` and the like. */
  type: string;
  builtAt?: Date;
  ipVersion?: 4 | 6;
  recordSize?: 24 | 28 | 32;
}

/** Block → record. Longer blocks come after those that hold them. */
export function mmdbOf(records: Record<string, object>, options: MmdbOptions): Buffer {
  const { type, builtAt = new Date("2026-11-01T00:00:00Z"), ipVersion = 6, recordSize = 24 } = options;
  const root: Node = [undefined, undefined];
  const data: Buffer[] = [];
  let dataBytes = 0;
  for (const [block, record] of Object.entries(records)) {
    insert(root, bitsOf(parseCidr(block) as Cidr, ipVersion), dataBytes);
    data.push(encode(record));
    dataBytes += (data.at(-1) as Buffer).length;
  }
  const nodes = numbered(root);
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: BigInt(builtAt.getTime() / 1000),
    database_type: type,
    description: {},
    ip_version: ipVersion,
    languages: [],
    node_count: nodes.size,
    record_size: recordSize,
  });
  const tree = [...nodes.keys()].map((node) => encodeNode(node, nodes, recordSize));
  const marker = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1");
  return Buffer.concat([...tree, Buffer.alloc(16), ...data, marker, metadata]);
}

/** Another node, the place of a record, or nothing known. */
type Child = Node | number | undefined;
type Node = [Child, Child];

function insert(root: Node, bits: readonly number[], record: number): void {
  let node = root;
  for (const [depth, bit] of bits.entries()) {
    const child = node[bit];
    if (depth === bits.length - 1) node[bit] = record;
    else if (Array.isArray(child)) node = child;
    else {
      const split: Node = [child, child];
      node[bit] = split;
      node = split;
    }
  }
}

function bitsOf({ base, length }: Cidr, ipVersion: 4 | 6): number[] {
  const { family, a, b, c } = base;
  const whole = family === 4 ? BigInt(a) : (BigInt(a) << 80n) | (BigInt(b) << 32n) | BigInt(c);
  const width = addressBits(base);
  const padding = family === 4 && ipVersion === 6 ? Array.from({ length: 96 }, () => 0) : [];
  const own = Array.from({ length }, (_, at) => Number((whole >> BigInt(width - 1 - at)) & 1n));
  return [...padding, ...own];
}

function numbered(root: Node): Map<Node, number> {
  const nodes = new Map<Node, number>();
  const visit = (node: Node): void => {
    nodes.set(node, nodes.size);
    for (const child of node) if (Array.isArray(child)) visit(child);
  };
  visit(root);
  return nodes;
}

function encodeNode(node: Node, nodes: Map<Node, number>, recordSize: 24 | 28 | 32): Buffer {
  const [left, right] = node.map((child) => {
    if (child === undefined) return nodes.size;
    return Array.isArray(child) ? (nodes.get(child) as number) : nodes.size + 16 + child;
  }) as [number, number];
  const bytes = Buffer.alloc(recordSize / 4);
  if (recordSize === 32) {
    bytes.writeUInt32BE(left, 0);
    bytes.writeUInt32BE(right, 4);
    return bytes;
  }
  bytes.writeUIntBE(left & 0xffffff, 0, 3);
  bytes.writeUIntBE(right & 0xffffff, bytes.length - 3, 3);
  if (recordSize === 28) bytes[3] = ((left >>> 24) << 4) | (right >>> 24);
  return bytes;
}

function encode(value: unknown): Buffer {
  if (typeof value === "string") return sized(2, Buffer.from(value));
  if (typeof value === "number") return sized(6, whole(BigInt(value)));
  if (typeof value === "bigint") return sized(9, whole(value));
  if (Array.isArray(value)) return Buffer.concat([head(11, value.length), ...value.map(encode)]);
  const members = Object.entries(value as object);
  return Buffer.concat([
    head(7, members.length),
    ...members.flatMap(([key, one]) => [encode(key), encode(one)]),
  ]);
}

function sized(type: number, bytes: Buffer): Buffer {
  return Buffer.concat([head(type, bytes.length), bytes]);
}

function head(type: number, size: number): Buffer {
  if (size > 284) throw new Error("longer than this writer needs");
  const short = Math.min(size, 29);
  const more = size > 28 ? [size - 29] : [];
  return Buffer.from(type > 7 ? [short, type - 7, ...more] : [(type << 5) | short, ...more]);
}

/** Big endian, without leading zeros. */
function whole(value: bigint): Buffer {
  const digits = value.toString(16);
  return value === 0n
    ? Buffer.alloc(0)
    : Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
}
