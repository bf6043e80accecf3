import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { identityErrors } from "../errors.ts";
import type { Client } from "./client.ts";
import type { ScheduledKey } from "./key-schedule.ts";
import type { Trail } from "./trail.ts";

/** The keys that sign access tokens, wherever they are kept. */
export interface KeyStore {
  schedule(): readonly ScheduledKey[];
  /** False when somebody else was rotating at the same moment, or when nothing older than that was there. */
  rotate(order: { readonly dropOld: boolean; readonly olderThanSeconds: number }): Promise<boolean>;
}

export interface RotateKeysDependencies {
  readonly keys: KeyStore;
  readonly trail: Trail;
  readonly clock: Clock;
}

/** Looks so often whether a rotation is due, at most. */
export const rotationLookMs = 60_000;

/** By an operator's word. `dropOld`: the old keys may be in wrong hands, so all their tokens end now. */
export async function rotateKeys(
  on: RotateKeysDependencies,
  dropOld: boolean,
  operator: string,
  client: Client,
): Promise<readonly ScheduledKey[]> {
  if (!(await on.keys.rotate({ dropOld, olderThanSeconds: 0 }))) throw new Refusal(identityErrors.keysBusy);
  const detail = dropOld ? "the old keys were dropped" : undefined;
  on.trail.record({ kind: "keys_rotated", operator, detail, client });
  return on.keys.schedule();
}

/** By the clock. Of several processes that look at once, one rotates. */
export async function rotateKeysWhenDue(on: RotateKeysDependencies, everySeconds: number): Promise<void> {
  if (!(await on.keys.rotate({ dropOld: false, olderThanSeconds: everySeconds }))) return;
  const client = { address: "", country: "ZZ", userAgent: "", requestId: "" };
  on.trail.record({ kind: "keys_rotated", detail: "by schedule", client });
}
