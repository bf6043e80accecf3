/**
 * Somebody as a provider knows them. `issuer` and `subject` together are the identity and never change; all else is
 * for people's eyes. An e-mail is no identity: providers hand out addresses that nobody verified, and that had
 * another owner before.
 */
export interface ExternalIdentity {
  readonly issuer: string;
  readonly subject: string;
  /** By which of the configured providers it came. */
  readonly provider: string;
  /** What a person knows it by. */
  readonly label: string;
  /** Asked for when a user is made of it. */
  readonly usernameWish: string;
}

export const identityLimits = {
  /** Of one user. */
  identitiesMax: 10,
  labelLengthMax: 128,
  /** OpenID Connect Core, 2: a subject has at most 255 ASCII characters. */
  subjectLengthMax: 255,
} as const;

/** An identity whose names are bounded and printable, or undefined when there is no subject that could be one. */
export function externalIdentity(given: {
  readonly issuer: string;
  readonly provider: string;
  readonly subject: unknown;
  /** The first that is a text names it. */
  readonly names: readonly unknown[];
}): ExternalIdentity | undefined {
  const { issuer, provider, subject } = given;
  if (typeof subject !== "string" || !/^[\x21-\x7e]{1,255}$/.test(subject)) return undefined;
  const name = given.names.find((text): text is string => typeof text === "string" && text.trim() !== "");
  const label = printable(name ?? subject).slice(0, identityLimits.labelLengthMax);
  return { issuer, provider, subject, label, usernameWish: usernameFrom(name ?? "") };
}

/** A username in the form that ours have; empty when nothing of the text can be one. */
function usernameFrom(text: string): string {
  const [name = ""] = text.normalize("NFKD").split("@");
  const fitting = name.replaceAll(/[^A-Za-z0-9._-]/g, "").replace(/^[._-]+/, "");
  return fitting.length < 3 ? "" : fitting.slice(0, 24);
}

/** Whole characters only, none of which moves others about. */
function printable(text: string): string {
  return text.toWellFormed().replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "");
}
