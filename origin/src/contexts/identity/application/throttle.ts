import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { AttemptBudget } from "../domain/attempt-budget.ts";
import { identityErrors } from "../errors.ts";
import type { Attempts, TakenAttempt } from "./ports.ts";
import type { Trail, TrailEvent } from "./trail.ts";

/**
 * How often one may guess. Ten wrong passwords for an account are a person who forgot; a bot then gets 720 a day,
 * none of which is a common password. An address may be a whole office's. Budgets are kept by what was typed, so a
 * name that nobody has is throttled like any other.
 */
export const attemptBudgets = {
  account: { burst: 10, refillMs: 120_000 },
  /** The current password, asked for to change it: of a user in a session, so strangers use up nothing of it. */
  passwordChange: { burst: 10, refillMs: 120_000 },
  address: { burst: 100, refillMs: 5_000 },
  /** Refresh tokens that nobody has, by address: each is a look into the database. It comes back fast, for others there. */
  unknownToken: { burst: 200, refillMs: 1_000 },
} as const satisfies Record<string, AttemptBudget>;

/** What was tried and failed. Anything else, an outage or a queue that is full, is given back. */
const failures: readonly string[] = [
  identityErrors.invalidCredentials.code,
  identityErrors.passwordWrong.code,
  identityErrors.usernameTaken.code,
  identityErrors.refreshInvalid.code,
];

/** A budget, and by what it is kept. */
export type Share = readonly [kind: keyof typeof attemptBudgets, whose: string];

export interface ThrottleDependencies {
  readonly attempts: Attempts;
  readonly trail: Trail;
  readonly clock: Clock;
}

export interface Attempt {
  readonly shares: readonly Share[];
  /** Goes on record when there is none left. */
  readonly refused: Omit<TrailEvent, "detail">;
}

/**
 * Runs an attempt if each of its budgets has one left, and gives it back unless it failed. The attempt is taken
 * before it is made, so a thousand at once are no more than ten. Who has none left learns nothing, not even with the
 * right password.
 */
export async function throttled<T>(
  { attempts, trail, clock }: ThrottleDependencies,
  { shares, refused }: Attempt,
  attempt: () => Promise<T>,
  failed: (result: T) => boolean = () => false,
): Promise<T> {
  const nowMs = clock();
  const taken: TakenAttempt[] = [];
  for (const [kind, whose] of shares) {
    const answer = await attempts.take(kind, whose, attemptBudgets[kind], nowMs);
    if ("waitMs" in answer) {
      trail.record({ ...refused, detail: identityErrors.throttled.code });
      throw tooMany(answer.waitMs);
    }
    taken.push(answer);
  }
  try {
    const result = await attempt();
    if (!failed(result)) await giveBack(taken);
    return result;
  } catch (error) {
    if (!(error instanceof Refusal && failures.includes(error.definition.code))) await giveBack(taken);
    throw error;
  }
}

async function giveBack(taken: readonly TakenAttempt[]): Promise<void> {
  await Promise.all(taken.map((attempt) => attempt.giveBack()));
}

function tooMany(waitMs: number): Refusal {
  return new Refusal(identityErrors.throttled, {
    headers: { "retry-after": String(Math.ceil(waitMs / 1_000)) },
  });
}
