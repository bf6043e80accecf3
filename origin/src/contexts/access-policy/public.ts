/** What other contexts may know of the access policy. */
export { accessErrors } from "./errors.ts";
