import { createHash } from "node:crypto";
import { passwordLengthMin } from "../application/credentials.ts";
import type { BreachedPasswords } from "../application/ports.ts";

export const rangeLimits = { timeoutMs: 1_500, bytesMax: 1_000_000 } as const;

/**
 * The most common passwords of known breaches come with a package and are looked up offline. With a range service
 * (the k-anonymity protocol of Have I Been Pwned: five hexadecimal digits of a SHA-1 go out, hundreds of suffixes
 * come back) all known ones are. Nobody has to wait for it long, and nobody is kept out because it is down.
 */
export function createBreachedPasswords(rangeUrl: string): BreachedPasswords {
  return {
    has: async (password) => {
      if ((await commonPasswords()).has(password.toLowerCase())) return true;
      return rangeUrl !== "" && (await rangeHolds(rangeUrl, password).catch(() => false));
    },
  };
}

let common: Promise<ReadonlySet<string>> | undefined;

/** Read on the first question: 18,000 texts, of which most processes never need one. */
function commonPasswords(): Promise<ReadonlySet<string>> {
  common ??= import("@zxcvbn-ts/language-common").then(
    ({ dictionary }) =>
      new Set(dictionary["passwords-common"].filter((password) => password.length >= passwordLengthMin)),
  );
  return common;
}

async function rangeHolds(rangeUrl: string, password: string): Promise<boolean> {
  const digest = createHash("sha1").update(password).digest("hex").toUpperCase();
  const [prefix, suffix] = [digest.slice(0, 5), digest.slice(5)];
  const answer = await fetch(rangeUrl + prefix, {
    // Answers of one length, so that the line doesn't tell which range it was.
    headers: { "add-padding": "true" },
    redirect: "error",
    signal: AbortSignal.timeout(rangeLimits.timeoutMs),
  });
  if (!answer.ok || answer.body === null) throw new Error(`the range service answered ${answer.status}`);
  return (await readBounded(answer.body)).split("\n").some((line) => {
    const [found, count] = line.trim().split(":");
    // Padding has a count of 0.
    return found === suffix && count !== "0";
  });
}

async function readBounded(body: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > rangeLimits.bytesMax) throw new Error("the range service answered with too much");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
