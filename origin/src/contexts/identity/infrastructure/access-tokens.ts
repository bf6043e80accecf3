import {
  acceptedFrom,
  areOurClaims,
  isOurHeader,
  refusedFrom,
  TOKEN_ALGORITHM,
  TOKEN_LENGTH_MAX,
  TOKEN_TYPE,
  type TokenClaims,
} from "@sluice/contract/token-claims.ts";
import { compactVerify, errors, exportJWK, type JSONWebKeySet, SignJWT } from "jose";
import type { Clock } from "../../../kernel/clock.ts";
import { type ErrorDefinition, Refusal } from "../../../kernel/errors.ts";
import type { AuthenticatedUser } from "../../../platform/http/access.ts";
import type { AccessTokens } from "../application/ports.ts";
import { identityErrors } from "../errors.ts";
import type { TokenKeys } from "./token-keys.ts";
import { createVerifiedTokens, type VerifiedToken } from "./verified-tokens.ts";

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
 * Verifies as the edge does, without believing the edge: jose the signature, the contract what must stand in a token.
 * The key comes from our own list by `kid`.
 */
export function verifyWith(
  keys: TokenKeys,
  { issuer, audience }: TokenSettings,
  clock: Clock,
): (token: string) => Promise<AuthenticatedUser> {
  const verified = createVerifiedTokens();

  const verify = async (token: string): Promise<VerifiedToken> => {
    const { header, payload } = segmentsOf(token);
    if (!isOurHeader(header)) throw refusal(identityErrors.tokenInvalid);
    const kid = String(header.kid);
    const key = keyOf(keys, kid);
    await compactVerify(token, key, { algorithms: [TOKEN_ALGORITHM] }).catch((error: unknown) => {
      throw error instanceof errors.JOSEError ? refusal(identityErrors.tokenInvalid) : error;
    });
    const found = objectIn(payload);
    if (found === undefined || !areOurClaims(found, issuer, audience)) {
      throw refusal(identityErrors.tokenInvalid);
    }
    return { claims: found as unknown as TokenClaims, kid, key };
  };

  return async (token) => {
    const known = verified.find(token);
    const isGood = known !== undefined && keys.publicKey(known.kid) === known.key;
    const { claims, ...rest } = isGood ? known : await verify(token);
    const nowS = clock() / 1_000;
    if (nowS < acceptedFrom(claims)) throw refusal(identityErrors.tokenInvalid);
    if (nowS >= refusedFrom(claims)) throw refusal(identityErrors.tokenExpired);
    if (!isGood) verified.keep(token, { claims, ...rest });
    return { id: Number(claims.sub), sessionId: claims.sid };
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

function keyOf(keys: TokenKeys, kid: string) {
  const key = keys.publicKey(kid);
  if (key === undefined) throw refusal(identityErrors.tokenInvalid);
  return key;
}

/**
 * Three segments, of which header and signature are canonical base64url (RFC 4648, 3.5): padding or other spellings of
 * the last bits would give one token many names. What can't be read so far is malformed; all else is invalid.
 */
function segmentsOf(token: string): { header: Record<string, unknown>; payload: string } {
  const segments = token.split(".");
  const [header = "", payload = "", signature = ""] = segments;
  const readable =
    token.length <= TOKEN_LENGTH_MAX &&
    segments.length === 3 &&
    segments.every((segment) => segment !== "") &&
    isCanonical(signature);
  const value = readable ? objectIn(header) : undefined;
  if (value === undefined) throw refusal(identityErrors.tokenMalformed);
  return { header: value, payload };
}

function objectIn(segment: string): Record<string, unknown> | undefined {
  if (!isCanonical(segment)) return undefined;
  const value = parseJson(Buffer.from(segment, "base64url").toString());
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
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

/** With the challenge of RFC 6750, section 3. */
function refusal(definition: ErrorDefinition): Refusal {
  return new Refusal(definition, {
    headers: { "www-authenticate": 'Bearer realm="sluice", error="invalid_token"' },
  });
}
