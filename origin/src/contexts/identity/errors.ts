import {
  CROSS_SITE,
  SESSION_REVOKED,
  TOKEN_EXPIRED,
  TOKEN_INVALID,
  TOKEN_MALFORMED,
  TOKEN_MISSING,
} from "@sluice/contract/error-codes.ts";
import { defineErrors } from "../../kernel/errors.ts";

export const identityErrors = defineErrors({
  invalidCredentials: {
    code: "auth.invalid_credentials",
    status: 401,
    title: "The username or the password is wrong",
  },
  throttled: { code: "auth.throttled", status: 429, title: "Too many attempts to sign in have failed" },
  passwordCommon: {
    code: "auth.password_common",
    status: 422,
    title: "This password is easy to guess: it is known from breaches, or holds the username",
  },
  passwordWrong: { code: "auth.password_wrong", status: 403, title: "The current password is wrong" },
  usernameTaken: { code: "auth.username_taken", status: 409, title: "Somebody has that username already" },
  busy: { code: "auth.busy", status: 503, title: "Too many people are signing in at the moment" },
  crossSite: CROSS_SITE,
  oauthProviderUnknown: {
    code: "auth.oauth_provider_unknown",
    status: 404,
    title: "There is no such provider to sign in with",
  },
  oauthState: {
    code: "auth.oauth_state",
    status: 400,
    title: "This sign-in was not started in this browser, or is used or too old",
  },
  oauthDenied: { code: "auth.oauth_denied", status: 403, title: "The sign-in was declined at the provider" },
  oauthFailed: { code: "auth.oauth_failed", status: 502, title: "The provider's answer could not be used" },
  oauthUnavailable: {
    code: "auth.oauth_unavailable",
    status: 503,
    title: "The provider is not reachable at the moment",
  },
  identityTaken: {
    code: "auth.identity_taken",
    status: 409,
    title: "Somebody else signs in with that identity",
  },
  identityLimit: { code: "auth.identity_limit", status: 409, title: "The account has too many identities" },
  identityUnknown: { code: "auth.identity_unknown", status: 404, title: "The account has no such identity" },
  lastSignIn: {
    code: "auth.last_sign_in",
    status: 409,
    title: "Without this identity there would be no way left to sign in",
  },
  refreshInvalid: { code: "auth.refresh_invalid", status: 401, title: "The refresh token is not known" },
  refreshReused: {
    code: "auth.refresh_reused",
    status: 401,
    title: "The refresh token had been used before, so its session was ended",
  },
  sessionRevoked: SESSION_REVOKED,
  sessionUnknown: { code: "session.unknown", status: 404, title: "You have no such session" },
  tokenMissing: TOKEN_MISSING,
  tokenMalformed: TOKEN_MALFORMED,
  tokenInvalid: TOKEN_INVALID,
  tokenExpired: TOKEN_EXPIRED,
  keysBusy: { code: "keys.busy", status: 409, title: "The keys are being rotated at this moment" },
  keysReadOnly: { code: "keys.read_only", status: 409, title: "This process may not write the keys" },
  operatorUnauthorized: {
    code: "operator.unauthorized",
    status: 401,
    title: "This listener needs an operator's token",
  },
  operatorScope: {
    code: "operator.scope_missing",
    status: 403,
    title: "The operator's token is not good for this",
  },
});
