import { logNotice, logWarning } from "../platform/log.ts";
import { every } from "../platform/timers.ts";
import { loadTokenKeys } from "./keys.ts";
import { forgetVerifiedTokens } from "./verify.ts";

/**
 * Each worker looks at the file of public keys by itself. A file and not Redis: who can write to Redis can end
 * sessions and begin some, but without the file can't make a token that passes. The file lies on a local file
 * system: reading it holds the worker up.
 */
const LOOK_INTERVAL_MS = 1_000;

export function followTokenKeys(path: string): void {
  let failure: string | undefined;
  every(LOOK_INTERVAL_MS, () => {
    const [outcome, problem] = loadTokenKeys(path);
    // A fault of the content is told once by the loader; a file that can't be read fails every time.
    if (problem !== undefined && problem !== failure) logWarning(`token keys: ${problem}; those before stay`);
    failure = problem;
    if (outcome === undefined || outcome === "kept") return;
    if (outcome === "replaced") forgetVerifiedTokens();
    logNotice(`token keys: ${outcome}`);
  });
}
