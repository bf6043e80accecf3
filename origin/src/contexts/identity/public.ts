/** What other contexts, and the relay, may know of identity. */
export { identityErrors } from "./errors.ts";
export { sessionsTable } from "./infrastructure/session-projection.ts";
