import { problemType } from "../src/error-codes.ts";
import {
  accessEntriesKey,
  changesKey,
  checkpointKey,
  pageKey,
  policyKey,
  productKey,
  readyKey,
  sessionKey,
} from "../src/keys.ts";

/** The key names and identifiers that both sides must spell alike. */
export function answerName(verb: string, first: string, second: string, third: string): string {
  if (verb === "product-key") return productKey(first, second);
  if (verb === "session-key") return sessionKey(first, second);
  if (verb === "page-key") return pageKey(first, second, third);
  if (verb === "policy-key") return policyKey(first);
  if (verb === "access-entries-key") return accessEntriesKey(first);
  if (verb === "changes-key") return changesKey(first);
  if (verb === "ready-key") return readyKey(first);
  if (verb === "checkpoint-key") return checkpointKey(first);
  if (verb === "problem-type") return problemType(first);
  return `there is no question ${verb}`;
}
