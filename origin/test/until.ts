import { setTimeout as delay } from "node:timers/promises";

const timeoutMs = 15_000;
const pauseMs = 10;

/** Waits for the thing itself: asks again and again until the answer is there, or fails and says for what. */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await delay(pauseMs);
  }
}
