import { isPolicyDocument, policyFaults } from "@sluice/contract/policy/validate.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { accessErrors } from "../errors.ts";
import type { Policies } from "./ports.ts";

export interface PublishDependencies {
  readonly policies: Policies;
  readonly clock: Clock;
}

/** For the audit trail. */
export interface Attribution {
  readonly author: string;
  readonly reason: string;
}

/** Makes the document the policy in force, if `replaces` still is. Returns the new revision. */
export async function publishPolicy(
  { policies, clock }: PublishDependencies,
  document: unknown,
  replaces: number | undefined,
  attribution: Attribution,
): Promise<number> {
  if (!isPolicyDocument(document)) {
    const faults = policyFaults(document);
    throw new Refusal(accessErrors.policyInvalid, { detail: `${faults.length} to mend`, faults });
  }
  const published = await policies.publish({ ...attribution, document, createdAtMs: clock() }, replaces);
  if (published.outcome === "published") return published.revision;
  throw new Refusal(accessErrors.revisionStale, {
    detail: `revision ${published.revision} is in force`,
    headers: { etag: `"${published.revision}"` },
  });
}

/** Publishes an old document anew, under a revision of its own: history is only ever added to. */
export async function restoreRevision(
  on: PublishDependencies,
  revision: number,
  replaces: number | undefined,
  { author, reason }: Attribution,
): Promise<number> {
  const old = await on.policies.revision(revision);
  if (old === undefined) throw new Refusal(accessErrors.revisionUnknown);
  const because = reason === "" ? `restored revision ${revision}` : reason;
  return publishPolicy(on, old.document, replaces, { author, reason: because });
}
