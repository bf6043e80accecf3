import { v7 } from "uuid";

/** Makes a fresh identifier. Passed as an argument so that a replay can give the same ones. */
export type NewId = () => string;

export const uuidPattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";

const uuidForm = new RegExp(uuidPattern);

/** Ids are ASCII in the database, which fails on other text and overlooks spaces at the end: ask this first. */
export function isUuid(text: string): boolean {
  return uuidForm.test(text);
}

/** UUID v7: sorts by time of creation, so rows written together lie together in the index. */
export const newUuid: NewId = () => v7();
