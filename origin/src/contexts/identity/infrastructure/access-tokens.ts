import {
  TOKEN_ALGORITHM,
  TOKEN_CLOCK_SKEW_SECONDS,
  TOKEN_LENGTH_MAX,
  TOKEN_TYPE,
} from "@sluice/contract/token-claims.ts";
import { errors, exportJWK, type JSONWebKeySet, jwtVerify, SignJWT } from "jose";
import type { Clock } from "../../../kernel/clock.ts";
import { type ErrorDefinition, Refusal } from "../../../kernel/errors.ts";
import type { AuthenticatedUser } from "../../../platform/http/access.ts";
import type { AccessTokens } from "../application/ports.ts";
import { identityErrors } from "../errors.ts";
import type { TokenKeys } from "./token-keys.ts";

export interface TokenSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly ttlSeconds: number;
}

export function signWith(keys: TokenKeys, { issuer, audience, ttlSeconds }: TokenSettings): AccessTokens {
  return {
    ttlSeconds,
    sign: (userId, sessionId, nowMs) => {
      const issuedAt = Math.floor(nowMs / 1_000);
      const { kid, privateKey } = keys.signing();
      return new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg: TOKEN_ALGORITHM, typ: TOKEN_TYPE, kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(String(userId))
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + ttlSeconds)
        .sign(privateKey);
    },
  };
}

/**
 * Verifies as the edge does, without believing the edge. The key comes from our own list by `kid`: a key
 * that the token brings along (`jwk`, `jku`, `x5c`) is never looked at.
 */
export function verifyWith(
  keys: TokenKeys,
  { issuer, audience }: TokenSettings,
  clock: Clock,
): (token: string) => Promise<AuthenticatedUser> {
  return async (token) => {
    if (!isOurHeader(headerOf(token))) throw refusal(identityErrors.tokenInvalid);
    const { payload } = await jwtVerify(token, ({ kid }) => keyOf(keys, kid), {
      algorithms: [TOKEN_ALGORITHM],
      typ: TOKEN_TYPE,
      issuer,
      audience,
      clockTolerance: TOKEN_CLOCK_SKEW_SECONDS,
      currentDate: new Date(clock()),
      requiredClaims: ["sub", "sid", "exp"],
    }).catch((error: unknown) => {
      throw translated(error);
    });
    const id = Number(payload.sub);
    const { sid, aud } = payload;
    if (!Number.isSafeInteger(id) || id <= 0 || typeof sid !== "string" || sid === "" || aud !== audience) {
      throw refusal(identityErrors.tokenInvalid);
    }
    return { id, sessionId: sid };
  };
}

/** RFC 7517. What is announced is listed too, so that who keeps the list knows it before it signs. */
export async function jwksOf(keys: TokenKeys): Promise<JSONWebKeySet> {
  const entries = keys.list().map(async ({ kid, publicKey }) => ({
    ...(await exportJWK(publicKey)),
    kid,
    alg: TOKEN_ALGORITHM,
    use: "sig",
  }));
  return { keys: await Promise.all(entries) };
}

function keyOf(keys: TokenKeys, kid: string | undefined) {
  const key = kid === undefined ? undefined : keys.publicKey(kid);
  if (key === undefined) throw refusal(identityErrors.tokenInvalid);
  return key;
}

/**
 * The header of three segments in canonical base64url (RFC 4648, 3.5): padding or other spellings of the last
 * bits would give one token many names. What can't be read so far is malformed; all else is invalid.
 */
function headerOf(token: string): Record<string, unknown> {
  const segments = token.split(".");
  const [header = "", , signature = ""] = segments;
  const readable =
    token.length <= TOKEN_LENGTH_MAX &&
    segments.length === 3 &&
    segments.every((segment) => segment !== "") &&
    isCanonical(header) &&
    isCanonical(signature);
  const value = readable ? parseJson(Buffer.from(header, "base64url").toString()) : undefined;
  if (typeof value !== "object" || value === null) throw refusal(identityErrors.tokenMalformed);
  return value as Record<string, unknown>;
}

function isCanonical(segment: string): boolean {
  return Buffer.from(segment, "base64url").toString("base64url") === segment;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A header that brings a key along, or that names an extension, was not made by this issuer. */
function isOurHeader(header: Record<string, unknown>): boolean {
  const foreign = ["crit", "jwk", "jku", "x5u", "x5c"];
  return header.typ === TOKEN_TYPE && foreign.every((name) => header[name] === undefined);
}

function translated(error: unknown): unknown {
  if (error instanceof Refusal) return error;
  if (error instanceof errors.JWTExpired) return refusal(identityErrors.tokenExpired);
  return error instanceof errors.JOSEError ? refusal(identityErrors.tokenInvalid) : error;
}

/** With the challenge of RFC 6750, section 3. */
function refusal(definition: ErrorDefinition): Refusal {
  return new Refusal(definition, {
    headers: { "www-authenticate": 'Bearer realm="sluice", error="invalid_token"' },
  });
}
