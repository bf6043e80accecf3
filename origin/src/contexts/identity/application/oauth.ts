import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { ExternalIdentity } from "../domain/external-identity.ts";
import type { User } from "../domain/session.ts";
import { identityErrors } from "../errors.ts";
import type { Client } from "./client.ts";
import type { Identities, IdentityProvider, OauthAttempt, OauthAttempts } from "./provider-ports.ts";
import type { Grant } from "./sign-in.ts";
import type { Trail, TrailKind } from "./trail.ts";

/**
 *     start ──▶ the provider ──▶ callback ──▶ signed in, or linked
 *
 * Between the two the browser carries the sealed attempt in a cookie. A callback counts if it brings the state of
 * that attempt, is the first to do so, and comes in time; so nobody can hand somebody else a sign-in of their own.
 */
export interface OauthDependencies {
  readonly providers: () => readonly IdentityProvider[];
  readonly attempts: OauthAttempts;
  readonly identities: Identities;
  readonly startSession: (user: User, client: Client, kind: TrailKind, provider: string) => Promise<Grant>;
  readonly trail: Trail;
  /** A few letters and digits that nobody else gets. */
  readonly newSuffix: () => string;
  readonly warn: (fields: object, message: string) => void;
  readonly clock: Clock;
}

export interface OauthStart {
  readonly location: URL;
  /** For the cookie. */
  readonly sealed: string;
}

export async function startOauth(
  on: OauthDependencies,
  given: Pick<OauthAttempt, "provider" | "returnTo" | "link">,
): Promise<OauthStart> {
  const provider = findProvider(on, given.provider);
  const attempt = on.attempts.create(given);
  const location = await provider.authorizationUrl(attempt);
  if (location === undefined) throw unavailable();
  return { location, sealed: await on.attempts.seal(attempt, on.clock()) };
}

export interface OauthEnd {
  /** Undefined when an identity was linked: the session goes on. */
  readonly grant?: Grant;
  readonly returnTo: string;
}

export interface OauthCallback {
  readonly provider: string;
  readonly sealed: string | undefined;
  readonly query: URLSearchParams;
  readonly client: Client;
}

/** A callback that belongs to no attempt goes on no record: anybody can make one up. */
export async function finishOauth(on: OauthDependencies, callback: OauthCallback): Promise<OauthEnd> {
  const provider = findProvider(on, callback.provider);
  const attempt = await expectedAttempt(on, callback);
  try {
    return await settle(on, provider, attempt, callback);
  } catch (error) {
    if (error instanceof Refusal) recordRefusal(on, attempt, error, callback.client);
    throw error;
  }
}

async function settle(
  on: OauthDependencies,
  provider: IdentityProvider,
  attempt: OauthAttempt,
  callback: OauthCallback,
): Promise<OauthEnd> {
  const answer = await provider.identify(callback.query, attempt);
  if (answer.outcome === "denied") throw new Refusal(identityErrors.oauthDenied);
  if (answer.outcome !== "identified") {
    on.warn({ provider: provider.id, reason: answer.reason }, "a sign-in at a provider failed");
    throw answer.outcome === "unavailable" ? unavailable() : new Refusal(identityErrors.oauthFailed);
  }
  const { returnTo, link } = attempt;
  if (link === undefined) {
    const { user, isNew } = await userOf(on, answer.identity);
    const kind = isNew ? "registered" : "signed_in";
    return { grant: await on.startSession(user, callback.client, kind, provider.id), returnTo };
  }
  switch (await on.identities.link(answer.identity, link, on.clock())) {
    case "linked":
      on.trail.record({ kind: "identity_linked", ...link, detail: provider.id, client: callback.client });
      return { returnTo };
    case "taken":
      throw new Refusal(identityErrors.identityTaken);
    case "too-many":
      throw new Refusal(identityErrors.identityLimit);
    case "session-ended":
      throw new Refusal(identityErrors.sessionRevoked);
  }
}

function recordRefusal(
  { trail }: OauthDependencies,
  { provider, link }: OauthAttempt,
  refusal: Refusal,
  client: Client,
): void {
  const kind = link === undefined ? "sign_in_refused" : "link_refused";
  trail.record({ kind, ...link, detail: `${refusal.definition.code} ${provider}`, client });
}

function findProvider({ providers }: OauthDependencies, id: string): IdentityProvider {
  const provider = providers().find((one) => one.id === id);
  if (provider === undefined) throw new Refusal(identityErrors.oauthProviderUnknown);
  return provider;
}

async function expectedAttempt(on: OauthDependencies, callback: OauthCallback): Promise<OauthAttempt> {
  const { sealed, query, provider } = callback;
  const attempt = sealed === undefined ? undefined : await on.attempts.open(sealed, on.clock());
  const states = query.getAll("state");
  const expected =
    attempt !== undefined &&
    attempt.provider === provider &&
    states.length === 1 &&
    states[0] === attempt.state &&
    (await on.attempts.claim(attempt));
  if (!expected) throw new Refusal(identityErrors.oauthState);
  return attempt;
}

/** How many names are tried before a user gets one that is made up. */
const wishesMax = 3;

/**
 * The identity's user, or a new one. Somebody who has an account already and comes by a new identity gets a second
 * account: that both say the same e-mail or name proves nothing. They link it while they are signed in.
 */
async function userOf(on: OauthDependencies, identity: ExternalIdentity) {
  for (let attempt = 0; ; attempt++) {
    const known = await on.identities.use(identity, on.clock());
    if (known !== undefined) return { user: known, isNew: false };
    const made = await on.identities.createUser(identity, usernameFor(on, identity, attempt), on.clock());
    if (made.outcome === "created") return { user: made.user, isNew: true };
    if (attempt > 2 * wishesMax) throw new Error("no username was free");
  }
}

function usernameFor({ newSuffix }: OauthDependencies, { usernameWish }: ExternalIdentity, attempt: number) {
  if (usernameWish === "" || attempt > wishesMax) return `user-${newSuffix()}`;
  return attempt === 0 ? usernameWish : `${usernameWish}-${newSuffix().slice(0, 6)}`;
}

function unavailable(): Refusal {
  return new Refusal(identityErrors.oauthUnavailable, { headers: { "retry-after": "10" } });
}
