/** What other contexts may know of the catalog. */
export { catalogErrors } from "./errors.ts";
