import {
  TOKEN_CLOCK_SKEW_SECONDS,
  TOKEN_KEY_ANNOUNCED_SECONDS,
  type TokenPublicKey,
} from "@sluice/contract/token-claims.ts";

/** Clocks of the processes that sign may differ by so much, and one may be late to see a new key. */
const retirementMarginSeconds = 60;

export type KeyState = "announced" | "signing" | "verifying";

export interface ScheduledKey {
  readonly kid: string;
  readonly state: KeyState;
  readonly signsFrom: number;
  /** Null for as long as no newer key is there. */
  readonly verifiesUntil: number | null;
}

export function isOver(key: TokenPublicKey, nowS: number): boolean {
  return key.verifiesUntil !== undefined && key.verifiesUntil <= nowS;
}

/** The newest of those whose time has come. Undefined when there is none. */
export function signingKey<Key extends TokenPublicKey>(keys: readonly Key[], nowS: number): Key | undefined {
  return keys
    .filter((key) => (key.signsFrom ?? 0) <= nowS && !isOver(key, nowS))
    .reduce<Key | undefined>((newest, key) => {
      return newest === undefined || (key.signsFrom ?? 0) > (newest.signsFrom ?? 0) ? key : newest;
    }, undefined);
}

export function scheduleOf(keys: readonly TokenPublicKey[], nowS: number): ScheduledKey[] {
  const signing = signingKey(keys, nowS);
  return keys
    .filter((key) => !isOver(key, nowS))
    .map((key) => ({
      kid: key.kid,
      state: key === signing ? "signing" : (key.signsFrom ?? 0) > nowS ? "announced" : "verifying",
      signsFrom: key.signsFrom ?? 0,
      verifiesUntil: key.verifiesUntil ?? null,
    }));
}

/** Whether the newest key has signed for longer than it should. One that is announced is young enough. */
export function isRotationDue(keys: readonly TokenPublicKey[], nowS: number, everySeconds: number): boolean {
  const newestS = Math.max(...keys.map((key) => key.signsFrom ?? 0));
  return newestS + everySeconds <= nowS;
}

export interface RotationTerms {
  readonly nowS: number;
  /** Life of an access token: so long the key before must be known after its last signature. */
  readonly tokenTtlSeconds: number;
  /** The old keys may be in wrong hands: they count no more, nor do the tokens that they signed. */
  readonly dropOld: boolean;
}

/** The list after a rotation: the fresh key, and with an end the others that somebody may still hold tokens of. */
export function rotated(
  keys: readonly TokenPublicKey[],
  fresh: Pick<TokenPublicKey, "kid" | "alg" | "spki">,
  { nowS, tokenTtlSeconds, dropOld }: RotationTerms,
): TokenPublicKey[] {
  if (dropOld) return [{ ...fresh, signsFrom: nowS }];
  const signsFrom = nowS + TOKEN_KEY_ANNOUNCED_SECONDS;
  const verifiesUntil = signsFrom + tokenTtlSeconds + TOKEN_CLOCK_SKEW_SECONDS + retirementMarginSeconds;
  const others = keys
    .filter((key) => !isOver(key, nowS))
    .map((key) => ({ ...key, verifiesUntil: key.verifiesUntil ?? verifiesUntil }));
  return [...others, { ...fresh, signsFrom }];
}
