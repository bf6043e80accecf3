import { Refusal } from "../../../kernel/errors.ts";
import { identityErrors } from "../errors.ts";
import { normalisePassword } from "./credentials.ts";
import type { BreachedPasswords } from "./ports.ts";

/**
 * Refuses what attackers try first: passwords known from breaches, and the user's own name (NIST SP 800-63B,
 * 3.1.1.2). Length is the schema's business; which kinds of characters it has is nobody's.
 */
export async function refuseGuessable(
  breached: BreachedPasswords,
  username: string,
  password: string,
): Promise<void> {
  const text = normalisePassword(password);
  const holdsName = text.toLowerCase().includes(username.toLowerCase());
  // A name of three letters is in many a good password.
  const isName = holdsName && text.length < username.length + 4;
  if (isName || (await breached.has(text))) throw new Refusal(identityErrors.passwordCommon);
}
