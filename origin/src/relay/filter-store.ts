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
  leaderKey,
} from "@sluice/contract/keys.ts";
import { filterEpoch, type MembershipShape, memberPositions } from "@sluice/contract/membership.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import { redisScript } from "../platform/redis/script.ts";

/**
 * A filter as it is in Redis: a hash that says which bits are in use and which are being built, and the bits. Each write
 * names the generation that it means and is left undone when the hash names it no more, so an id that was on its way
 * makes no bits anew that were taken away.
 */
export interface FilterStore {
  /** What is there; undefined when none is of use. What nobody will use or build on is taken away. */
  begin(wanted: MembershipShape): Promise<{ used: Bits | undefined; building: Bits | undefined }>;
  /** Throws when the hash names none of `into`: somebody else has removed it. */
  add(into: readonly Bits[], ids: readonly number[]): Promise<void>;
  /** Puts bits in use that were built, takes those from before away, and tells the edges. */
  use(built: Bits, before: Bits | undefined, highest: number): Promise<void>;
  countBits(bits: Bits): Promise<number>;
}

export interface Bits {
  readonly generation: string;
  readonly shape: MembershipShape;
}

const beginScript = redisScript(new URL("begin-filter.lua", import.meta.url));
const membersScript = redisScript(new URL("members.lua", import.meta.url));
const useScript = redisScript(new URL("use-filter.lua", import.meta.url));

export function filterStore(
  { client, prefix }: RedisStore,
  name: string,
  { token, epoch }: { readonly token: string; readonly epoch: string },
): FilterStore {
  const [leader, meta] = [leaderKey(prefix), filterKey(prefix, name)];
  const keyOf = (generation: string) => filterBitsKey(prefix, name, generation);
  const lost = () => new Error(`redis no longer holds the filter ${name} as the relay left it`);
  return {
    begin: async (wanted) => {
      const held = await client.hgetall(meta);
      const found = bitsIn(held);
      const used = held[FILTER_EPOCH] === filterEpoch(epoch) ? found : undefined;
      const fits = used?.shape.bits === wanted.bits && used.shape.hashes === wanted.hashes;
      const generation = `${filterEpoch(epoch)}:${wanted.bits}x${wanted.hashes}`;
      const building = fits ? undefined : { generation, shape: wanted };
      const kept = [used?.generation, building?.generation];
      const left = [found?.generation, held[FILTER_BUILDING]].filter(
        (one) => one !== undefined && !kept.includes(one),
      ) as string[];
      const taken = used === undefined ? "1" : "0";
      const keys = [leader, meta, ...left.map(keyOf)];
      await beginScript.run(client, keys, [token, taken, building?.generation ?? ""]);
      return { used, building };
    },
    add: async (into, ids) => {
      const args = [token, String(Math.max(...ids))];
      for (const { generation, shape } of into) {
        args.push(generation, ids.flatMap((id) => memberPositions(shape, id)).join(","));
      }
      const keys = [leader, meta, ...into.map(({ generation }) => keyOf(generation))];
      if ((await membersScript.run(client, keys, args)) === 0) throw lost();
    },
    use: async ({ generation, shape }, before, highest) => {
      const keys = [leader, changesKey(prefix), meta, keyOf(generation)];
      if (before !== undefined) keys.push(keyOf(before.generation));
      const described = [filterEpoch(epoch), shape.bits, shape.hashes, highest].map(String);
      const args = [token, String(CHANGES_MAX_LENGTH), generation, ...described];
      if ((await useScript.run(client, keys, args)) === 0) throw lost();
    },
    countBits: ({ generation }) => client.bitcount(keyOf(generation)),
  };
}

function bitsIn(held: Readonly<Record<string, string>>): Bits | undefined {
  const { [FILTER_GENERATION]: generation, [FILTER_BITS]: bits, [FILTER_HASHES]: hashes } = held;
  if (generation === undefined || bits === undefined || hashes === undefined) return undefined;
  return { generation, shape: { bits: Number(bits), hashes: Number(hashes) } };
}
