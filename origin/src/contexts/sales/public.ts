/** What others may know of sales. */
export { salesErrors } from "./errors.ts";
