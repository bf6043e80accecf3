import { likesErrors } from "../errors.ts";

/** Every bound of this context, in one place. Page sizes stand in the contract: the edge knows them too. */
export const likeLimits = {
  /** Actions that come at the same time are written in one transaction, up to so many. */
  together: {
    batchMax: 200,
    runningMax: 2,
    patienceMs: 100,
    waitingMax: 5_000,
    waitMaxMs: 2_000,
    crowded: likesErrors.crowded,
  },
  cursorLengthMax: 40,
  productIdMax: Number.MAX_SAFE_INTEGER,
} as const;
