import * as client from "openid-client";
import type { IdentityProvider, OauthAttempt, ProviderAnswer } from "../application/provider-ports.ts";
import { externalIdentity } from "../domain/external-identity.ts";
import { fetchFromProvider, providerLimits, unreachableIn } from "./provider-fetch.ts";

export interface OpenIdSettings {
  readonly id: string;
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  /** Empty for a public client. */
  readonly clientSecret: string;
  readonly scope: string;
  readonly idTokenAlgorithm: string;
  readonly redirectUri: string;
}

/** A provider's own description is asked for again after this time. */
const discoveryKeptMs = 3_600_000;

/** Any OpenID provider: discovery, authorization code with PKCE, state and nonce (OAuth 2.1, OpenID Connect Core). */
export function openIdProvider(settings: OpenIdSettings, now: () => number): IdentityProvider {
  const discover = keptFor(discoveryKeptMs, now, () => discovered(settings));
  return {
    id: settings.id,
    name: settings.name,

    authorizationUrl: async ({ state, nonce, codeVerifier }) => {
      const configuration = await discover().catch((error: unknown) => {
        if (answerTo(error).outcome === "unavailable") return undefined;
        throw error;
      });
      if (configuration === undefined) return undefined;
      return client.buildAuthorizationUrl(configuration, {
        redirect_uri: settings.redirectUri,
        scope: settings.scope,
        state,
        nonce,
        code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: "S256",
      });
    },

    identify: async (callback, attempt) => {
      try {
        return await identify(await discover(), settings, callback, attempt);
      } catch (error) {
        return answerTo(error);
      }
    },
  };
}

function discovered(settings: OpenIdSettings): Promise<client.Configuration> {
  const { issuer, clientId, clientSecret, idTokenAlgorithm } = settings;
  const server = new URL(issuer);
  return client.discovery(
    server,
    clientId,
    { id_token_signed_response_alg: idTokenAlgorithm },
    clientSecret === "" ? client.None() : client.ClientSecretBasic(clientSecret),
    {
      // Bounds by itself, and more tightly.
      timeout: (2 * providerLimits.timeoutMs) / 1_000,
      [client.customFetch]: (url, options) => fetchFromProvider(url, options as RequestInit),
      // Plain HTTP is for providers on this machine; the settings allow no others.
      execute: server.protocol === "http:" ? [client.allowInsecureRequests] : [],
    },
  );
}

async function identify(
  configuration: client.Configuration,
  { id, redirectUri }: OpenIdSettings,
  callback: URLSearchParams,
  { state, nonce, codeVerifier }: OauthAttempt,
): Promise<ProviderAnswer> {
  const url = new URL(redirectUri);
  url.search = callback.toString();
  const tokens = await client.authorizationCodeGrant(configuration, url, {
    expectedState: state,
    expectedNonce: nonce,
    pkceCodeVerifier: codeVerifier,
    idTokenExpected: true,
  });
  const claims = tokens.claims();
  if (claims === undefined) return { outcome: "unusable", reason: "there is no ID token" };
  const names = namesIn(claims);
  const more =
    names.length > 0 ? [] : await namesFromUserInfo(configuration, tokens.access_token, claims.sub);
  const { issuer } = configuration.serverMetadata();
  const identity = externalIdentity({
    issuer,
    provider: id,
    subject: claims.sub,
    names: [...names, ...more],
  });
  return identity === undefined
    ? { outcome: "unusable", reason: "the subject has another form than OpenID allows" }
    : { outcome: "identified", identity };
}

function namesIn(claims: Readonly<Record<string, unknown>>): unknown[] {
  return [claims.preferred_username, claims.email, claims.name].filter((name) => name !== undefined);
}

/** Names are a comfort: without them people see the subject. */
async function namesFromUserInfo(configuration: client.Configuration, accessToken: string, subject: string) {
  if (configuration.serverMetadata().userinfo_endpoint === undefined) return [];
  try {
    return namesIn(await client.fetchUserInfo(configuration, accessToken, subject));
  } catch (error) {
    if (answerTo(error).outcome === "unavailable") return [];
    throw error;
  }
}

/** What the provider did, from what the library threw. Errors that are none of the provider's pass on. */
function answerTo(error: unknown): Exclude<ProviderAnswer, { outcome: "identified" }> {
  const unreachable = unreachableIn(error);
  if (unreachable !== undefined) return { outcome: "unavailable", reason: unreachable.message };
  if (error instanceof client.AuthorizationResponseError) {
    if (error.error === "access_denied") return { outcome: "denied" };
    return { outcome: "unusable", reason: `the provider redirected with ${word(error.error)}` };
  }
  if (error instanceof client.ResponseBodyError) {
    return { outcome: "unusable", reason: `the provider answered ${error.status} ${word(error.error)}` };
  }
  if (error instanceof client.ClientError)
    return { outcome: "unusable", reason: `${error.code} ${error.message}` };
  if (error instanceof client.WWWAuthenticateChallengeError) {
    return { outcome: "unusable", reason: `the provider answered ${error.status}` };
  }
  throw error;
}

/** Of what another server sends only what is surely an error code goes into the log. */
function word(text: string): string {
  return /^[a-z_]{1,64}$/.test(text) ? text : "something that is no error code";
}

/** One request at a time, its result kept; a failure is not. */
function keptFor<T>(keptMs: number, now: () => number, make: () => Promise<T>): () => Promise<T> {
  let kept: { readonly value: Promise<T>; readonly untilMs: number } | undefined;
  return () => {
    if (kept !== undefined && now() < kept.untilMs) return kept.value;
    const fresh = { value: make(), untilMs: now() + keptMs };
    kept = fresh;
    fresh.value.catch(() => {
      if (kept === fresh) kept = undefined;
    });
    return fresh.value;
  };
}
