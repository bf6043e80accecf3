import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";

/** A Lua script that Redis runs by its hash, and is given again when it has forgotten it. */
export interface RedisScript {
  run(client: Redis, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown>;
}

export function redisScript(file: URL): RedisScript {
  const text = readFileSync(file, "utf8");
  const sha = createHash("sha1").update(text).digest("hex");
  return {
    run: async (client, keys, args) => {
      const call = [sha, String(keys.length), ...keys, ...args];
      try {
        return await client.call("EVALSHA", call);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
        await client.script("LOAD", text);
        return await client.call("EVALSHA", call);
      }
    },
  };
}
