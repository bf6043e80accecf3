const POLL_INTERVAL_MS = 20;

/**
 * Waits until `look` gives a value that is not `undefined` and returns it; fails with what was seen last.
 * A look that throws counts as nothing seen yet.
 *
 * @param within milliseconds
 */
export async function eventually<Seen>(
  what: string,
  within: number,
  look: () => Promise<Seen | undefined>,
): Promise<Seen> {
  const end = Date.now() + within;
  let failure: unknown;
  do {
    try {
      const seen = await look();
      if (seen !== undefined) return seen;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  } while (Date.now() < end);
  throw new Error(`not within ${within} ms: ${what}`, { cause: failure });
}
