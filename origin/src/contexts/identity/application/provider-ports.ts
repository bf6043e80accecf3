import type { ExternalIdentity } from "../domain/external-identity.ts";
import type { User } from "../domain/session.ts";

/** A sign-in that was begun at a provider; the browser keeps it, sealed, until it comes back. */
export interface OauthAttempt {
  readonly provider: string;
  readonly state: string;
  readonly nonce: string;
  /** RFC 7636. */
  readonly codeVerifier: string;
  /** A path of ours. */
  readonly returnTo: string;
  /** Set when the identity is to be linked to a user who is signed in. */
  readonly link?: { readonly userId: number; readonly sessionId: string };
}

export interface OauthAttempts {
  create(given: Pick<OauthAttempt, "provider" | "returnTo" | "link">): OauthAttempt;
  seal(attempt: OauthAttempt, nowMs: number): Promise<string>;
  /** Undefined when it isn't one of ours, was changed, or is too old. */
  open(sealed: string, nowMs: number): Promise<OauthAttempt | undefined>;
  /** True for the first caller only. Throws when nobody can say. */
  claim(attempt: OauthAttempt): Promise<boolean>;
}

/** What came of a sign-in at a provider. The reasons are for the log and hold no secret. */
export type ProviderAnswer =
  | { readonly outcome: "identified"; readonly identity: ExternalIdentity }
  | { readonly outcome: "denied" }
  | { readonly outcome: "unusable"; readonly reason: string }
  | { readonly outcome: "unavailable"; readonly reason: string };

export interface IdentityProvider {
  readonly id: string;
  readonly name: string;
  /** Where to send the browser; undefined when the provider can't be reached. */
  authorizationUrl(attempt: OauthAttempt): Promise<URL | undefined>;
  /** Trades what the browser brought back for an identity. Never throws for what the provider does. */
  identify(callback: URLSearchParams, attempt: OauthAttempt): Promise<ProviderAnswer>;
}

export interface LinkedIdentity {
  readonly id: number;
  readonly provider: string;
  readonly label: string;
  readonly linkedAtMs: number;
  readonly lastUsedAtMs: number;
}

export interface Identities {
  /** The user whom that identity belongs to; its label and last use are noted. */
  use(identity: ExternalIdentity, nowMs: number): Promise<User | undefined>;
  /** Makes a user of it, under that name. */
  createUser(
    identity: ExternalIdentity,
    username: string,
    nowMs: number,
  ): Promise<
    | { readonly outcome: "created"; readonly user: User }
    | { readonly outcome: "name-taken" | "identity-taken" }
  >;
  link(
    identity: ExternalIdentity,
    to: { readonly userId: number; readonly sessionId: string },
    nowMs: number,
  ): Promise<"linked" | "taken" | "too-many" | "session-ended">;
  unlink(
    userId: number,
    identityId: number,
  ): Promise<
    { readonly outcome: "unlinked"; readonly provider: string } | { readonly outcome: "unknown" | "last" }
  >;
  listOf(userId: number): Promise<readonly LinkedIdentity[]>;
}
