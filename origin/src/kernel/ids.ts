import { v7 } from "uuid";

/** Makes a fresh identifier. Passed as an argument so that a replay can give the same ones. */
export type NewId = () => string;

/** UUID v7: sorts by time of creation, so rows written together lie together in the index. */
export const newUuid: NewId = () => v7();
