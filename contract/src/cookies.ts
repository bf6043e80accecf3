/**
 * What browsers keep. `__Host-` makes them refuse such a cookie from anything but this very host, over TLS or on
 * their own machine, so that no neighbouring name can plant one (RFC 6265bis, 4.1.3.2).
 */

/** Access token; HttpOnly, as all of them. */
export const COOKIE_ACCESS = "__Host-sluice-access";
export const COOKIE_REFRESH = "__Host-sluice-refresh";
/** A sign-in that was begun at a provider. */
export const COOKIE_OAUTH = "__Host-sluice-oauth";
