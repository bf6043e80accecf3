import type { PolicyDocument } from "@sluice/contract/policy/document.ts";
import { isPolicyDocument, policyFaults } from "@sluice/contract/policy/validate.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { accessErrors } from "../errors.ts";
import type { Geo, Policies } from "./ports.ts";

export interface PublishDependencies {
  readonly policies: Policies;
  readonly geo: Pick<Geo, "hasNetworks">;
  readonly clock: Clock;
}

export interface Published {
  readonly revision: number;
  /** What is in force and will hardly do what was meant, a sentence each. */
  readonly warnings: string[];
}

/** For the audit trail. */
export interface Attribution {
  readonly author: string;
  readonly reason: string;
}

/** Makes the document the policy in force, if `replaces` still is. */
export async function publishPolicy(
  { policies, geo, clock }: PublishDependencies,
  document: unknown,
  replaces: number | undefined,
  attribution: Attribution,
): Promise<Published> {
  if (!isPolicyDocument(document)) {
    const faults = policyFaults(document);
    throw new Refusal(accessErrors.policyInvalid, { detail: `${faults.length} to mend`, faults });
  }
  const published = await policies.publish({ ...attribution, document, createdAtMs: clock() }, replaces);
  if (published.outcome === "published") {
    return { revision: published.revision, warnings: warningsOf(document, geo) };
  }
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
): Promise<Published> {
  const old = await on.policies.revision(revision);
  if (old === undefined) throw new Refusal(accessErrors.revisionUnknown);
  const because = reason === "" ? `restored revision ${revision}` : reason;
  return publishPolicy(on, old.document, replaces, { author, reason: because });
}

function warningsOf({ rules }: PolicyDocument, geo: PublishDependencies["geo"]): string[] {
  if (geo.hasNetworks()) return [];
  return rules
    .filter(({ match }) => match.asn !== undefined || match.not?.asn !== undefined)
    .map(
      ({ id }) =>
        `rule ${id} asks for networks, and there is no file of them (GEOIP_ASN_DB): all are unknown, 0`,
    );
}
