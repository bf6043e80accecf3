/** Letters, digits, dot, dash and underscore; what is unique ignores case. */
export const usernamePattern = "^[A-Za-z0-9][A-Za-z0-9._-]{2,31}$";

const usernameForm = new RegExp(usernamePattern);

/** Whether anybody can have that name. */
export function isUsername(text: string): boolean {
  return usernameForm.test(text);
}

/** Length in characters (NIST SP 800-63B asks for at least 8 and for 64 to be possible). */
export const passwordLengthMin = 8;
/** Longer input would make the hash, not the guess, expensive. */
export const passwordLengthMax = 128;

/** The same password typed on different keyboards is the same text (NIST SP 800-63B, 5.1.1.2). */
export function normalisePassword(password: string): string {
  return password.normalize("NFKC");
}
