/** What other contexts may know of likes. */
export { likesErrors } from "./errors.ts";
