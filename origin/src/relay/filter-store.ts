import { CHANGES_MAX_LENGTH } from "@sluice/contract/change.ts";
import {
  changesKey,
  FILTER_BITS,
  FILTER_BUILDING,
  FILTER_EPOCH,
  FILTER_GENERATION,
  FILTER_HASHES,
  filterBitsKey,
  filterKey,
  filterNewIdsKey,
  leaderKey,
} from "@sluice/contract/keys.ts";
import { filterEpoch, type MembershipShape } from "@sluice/contract/membership.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import { redisScript } from "../platform/redis/script.ts";

/**
 * A filter as it is in Redis: a hash that says which bits are in use and which are being built, the bits, and the ids
 * that came lately and are not in the bits yet. Each write names the leader and what it expects to find. Throws when the
 * hash is not as the relay left it.
 */
export interface FilterStore {
  /** What is there; undefined when none is of use. What nobody will use or build on is taken away. */
  begin(wanted: MembershipShape): Promise<{ used: Bits | undefined; building: Bits | undefined }>;
  /** Returns how long the list of new ids is now, bytes. */
  addNew(ids: readonly number[]): Promise<number>;
  readNew(): Promise<{ ids: readonly number[]; bytes: number }>;
  /** They are in the bits. */
  dropNew(bytes: number): Promise<void>;
  readBits(bits: Bits): Promise<Buffer>;
  writeBits(bits: Bits, bytes: Buffer): Promise<void>;
  /** Puts bits in use that were built, takes those from before away, and tells the edges. */
  use(built: Bits, before: Bits | undefined, highest: number): Promise<void>;
  countBits(bits: Bits): Promise<number>;
}

export interface Bits {
  readonly generation: string;
  readonly shape: MembershipShape;
}

/** Of one read or write: Redis serves nobody else meanwhile. */
const pieceBytes = 65_536;

const beginScript = redisScript(new URL("begin-filter.lua", import.meta.url));
const addScript = redisScript(new URL("add-members.lua", import.meta.url));
const dropScript = redisScript(new URL("drop-members.lua", import.meta.url));
const writeScript = redisScript(new URL("write-filter.lua", import.meta.url));
const useScript = redisScript(new URL("use-filter.lua", import.meta.url));

export function filterStore(
  { client, prefix }: RedisStore,
  name: string,
  { token, epoch }: { readonly token: string; readonly epoch: string },
): FilterStore {
  const [leader, meta, newIds] = [leaderKey(prefix), filterKey(prefix, name), filterNewIdsKey(prefix, name)];
  const keyOf = ({ generation }: Pick<Bits, "generation">) => filterBitsKey(prefix, name, generation);
  const held = (answer: unknown): number => {
    if (Number(answer) === 0)
      throw new Error(`redis no longer holds the filter ${name} as the relay left it`);
    return Number(answer);
  };
  return {
    begin: async (wanted) => {
      const found = await client.hgetall(meta);
      const inUse = bitsIn(found);
      const used = found[FILTER_EPOCH] === filterEpoch(epoch) ? inUse : undefined;
      const fits = used?.shape.bits === wanted.bits && used.shape.hashes === wanted.hashes;
      const generation = `${filterEpoch(epoch)}:${wanted.bits}x${wanted.hashes}`;
      const building = fits ? undefined : { generation, shape: wanted };
      const left = [inUse?.generation, found[FILTER_BUILDING]].filter(
        (one) => one !== undefined && one !== used?.generation,
      ) as string[];
      const keys = [leader, meta, newIds, ...left.map((one) => keyOf({ generation: one }))];
      await beginScript.run(client, keys, [
        token,
        used === undefined ? "1" : "0",
        building?.generation ?? "",
      ]);
      return { used, building };
    },
    addNew: async (ids) => {
      const args = [token, String(highestOf(ids)), `${ids.join(",")},`];
      return held(await addScript.run(client, [leader, meta, newIds], args));
    },
    readNew: async () => {
      const text = (await client.get(newIds)) ?? "";
      return { ids: text.split(",").slice(0, -1).map(Number), bytes: text.length };
    },
    dropNew: async (bytes) => {
      await dropScript.run(client, [leader, newIds], [token, String(bytes)]);
    },
    readBits: async (bits) => {
      const read = Buffer.alloc(bits.shape.bits / 8);
      for (let from = 0; from < read.length; from += pieceBytes) {
        (await client.getrangeBuffer(keyOf(bits), from, from + pieceBytes - 1)).copy(read, from);
      }
      return read;
    },
    writeBits: async (bits, bytes) => {
      for (let from = 0; from < bytes.length; from += pieceBytes) {
        const piece = bytes.subarray(from, from + pieceBytes);
        const args = [token, bits.generation, String(from), piece];
        held(await writeScript.run(client, [leader, meta, keyOf(bits)], args));
      }
    },
    use: async ({ generation, shape }, before, highest) => {
      const keys = [leader, changesKey(prefix), meta];
      if (before !== undefined) keys.push(keyOf(before));
      const described = [filterEpoch(epoch), shape.bits, shape.hashes, highest].map(String);
      const args = [token, String(CHANGES_MAX_LENGTH), generation, ...described];
      held(await useScript.run(client, keys, args));
    },
    countBits: (bits) => client.bitcount(keyOf(bits)),
  };
}

export function highestOf(ids: readonly number[]): number {
  return ids.reduce((highest, id) => Math.max(highest, id), 0);
}

function bitsIn(found: Readonly<Record<string, string>>): Bits | undefined {
  const { [FILTER_GENERATION]: generation, [FILTER_BITS]: bits, [FILTER_HASHES]: hashes } = found;
  if (generation === undefined || bits === undefined || hashes === undefined) return undefined;
  return { generation, shape: { bits: Number(bits), hashes: Number(hashes) } };
}
