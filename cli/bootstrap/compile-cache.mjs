import { fileURLToPath } from "node:url";

const NODE_COMPILE_CACHE = fileURLToPath(new URL("../../node_modules/.cache/node", import.meta.url));

/**
 * The environment of a process of ours: it and all that it starts strip types and compile once. Without that, half of
 * what a start costs goes into it. Who has set a place of their own keeps it.
 */
export const compilingOnce = { NODE_COMPILE_CACHE, ...process.env };
