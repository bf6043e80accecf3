import type { Clock } from "../../../kernel/clock.ts";
import { isRotationDue, scheduleOf } from "../application/key-schedule.ts";
import type { KeyStore } from "../application/rotate-keys.ts";
import { rotateTokenKeys } from "./rotate-token-keys.ts";
import type { TokenKeyFiles, WatchedTokenKeys } from "./token-keys.ts";

/** The key files as the use cases see them; what this process rotated is in force here at once. */
export function keyStoreOn(
  files: TokenKeyFiles,
  keys: WatchedTokenKeys,
  tokenTtlSeconds: number,
  clock: Clock,
): KeyStore {
  const nowS = () => Math.floor(clock() / 1_000);
  return {
    schedule: () => scheduleOf(keys.list(), nowS()),
    rotate: async ({ dropOld, olderThanSeconds }) => {
      // Most looks end here, before a key is made.
      if (olderThanSeconds > 0 && !isRotationDue(keys.list(), nowS(), olderThanSeconds)) return false;
      const done = await rotateTokenKeys(files, { nowS: nowS(), tokenTtlSeconds, dropOld, olderThanSeconds });
      await keys.reload();
      return done;
    },
  };
}
