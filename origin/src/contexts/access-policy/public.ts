/** What other contexts, and the relay, may know of the access policy. */
export { accessErrors } from "./errors.ts";
export { accessEntriesTable } from "./infrastructure/lists.ts";
export { policyTable } from "./infrastructure/policies.ts";
