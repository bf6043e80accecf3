import { randomFillSync } from "node:crypto";
import { v7 } from "uuid";

/** Makes a fresh identifier. Passed as an argument so that a replay can give the same ones. */
export type NewId = () => string;

export const uuidPattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";

const uuidForm = new RegExp(uuidPattern);

/** Ids are ASCII in the database, which fails on other text and overlooks spaces at the end: ask this first. */
export function isUuid(text: string): boolean {
  return uuidForm.test(text);
}

/**
 * UUID v7: sorts by time of creation, so rows written together lie together in the index. Within a millisecond it counts
 * up, as `uuid` does by itself; but that asks the system for sixteen random bytes each time, which costs an order more
 * than all else that is done with its ids.
 */
export const newUuid: NewId = () => {
  const random = nextRandom();
  const now = Date.now();
  if (now > last.msecs) last = { msecs: now, seq: random.readUInt32BE(6) >>> 1 };
  else last = { ...last, seq: last.seq + 1 };
  return v7({ random, ...last });
};

let last = { msecs: 0, seq: 0 };

const randomBytesEach = 16;
const drawn = Buffer.alloc(256 * randomBytesEach);
let used = drawn.length;

/** Never the same bytes twice. */
function nextRandom(): Buffer {
  if (used === drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  used += randomBytesEach;
  return drawn.subarray(used - randomBytesEach, used);
}
