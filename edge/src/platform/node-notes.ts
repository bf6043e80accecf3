import { FLIGHT_NOTES } from "../flight-notes.ts";

/**
 * Short texts that all workers of this node see. Each call takes the zone's one mutex: for what happens on a miss, not
 * on every request. A note that finds no room is not written, and none is thrown out for it.
 */
export type Written = "written" | "exists" | "no-room";

/** Writes it unless there is one; of several workers at once, one succeeds. */
export function addNote(key: string, text: string, lifeMs: number): Written {
  const [added, failure] = zone().safe_add(key, text, lifeMs / 1000);
  if (added === true) return "written";
  return failure === "exists" ? "exists" : "no-room";
}

export function replaceNote(key: string, text: string, lifeMs: number): void {
  const notes = zone();
  const [written] = notes.safe_set(key, text, lifeMs / 1000);
  if (written !== true) notes.delete(key);
}

export function dropNote(key: string): void {
  zone().delete(key);
}

export function readNote(key: string): string | undefined {
  const [text] = zone().get(key);
  return text as string | undefined;
}

function zone(): ngx.shared.Dict {
  const notes = ngx.shared[FLIGHT_NOTES];
  if (notes === undefined) error(`there is no shared dict ${FLIGHT_NOTES}`);
  return notes;
}
