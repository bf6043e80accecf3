/** What other contexts may know of identity. */
export { identityErrors } from "./errors.ts";
