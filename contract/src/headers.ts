/** HTTP header names that edge and origin both speak. Lower case, as HTTP/2 sends them (RFC 9113, 8.2). */

/** Identifies one request through every process and log. Made by the edge, echoed to the client. */
export const HEADER_REQUEST_ID = "x-request-id";

/** How the edge answered a cacheable read: one of {@link CacheOutcome}. */
export const HEADER_CACHE = "x-sluice-cache";

/** The country that the edge found for the client address, ISO 3166-1 alpha-2; `ZZ` when unknown. */
export const HEADER_COUNTRY = "x-sluice-country";

/** The client address after trusted proxies were taken off, in canonical text form. */
export const HEADER_CLIENT_ADDRESS = "x-sluice-client-address";

/** Everything that starts so is the edge's own: it strips such headers from what clients send. */
export const INTERNAL_HEADER_PREFIX = "x-sluice-";

/** Makes one request with a side effect repeatable; scoped to the user. */
export const HEADER_IDEMPOTENCY_KEY = "idempotency-key";

export type CacheOutcome = "hit-worker" | "hit-redis" | "miss";
