import { HEADER_SIGNATURE, signCallback } from "../src/platform/http/callback-signature.ts";

const attemptsMax = 8;
const attemptTimeoutMs = 3_000;
const firstPauseMs = 250;

/** Calls the merchant back until it says 2xx, with pauses that double, at most `attemptsMax` times. */
export function callbackSender(secret: string) {
  const timers = new Set<NodeJS.Timeout>();
  let closed = false;

  const after = (ms: number, work: () => void) => {
    if (closed) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, ms);
    timers.add(timer);
  };

  const attempt = async (url: string, body: Buffer, number: number): Promise<void> => {
    const taken = await post(url, body, signCallback(body, secret, Date.now()));
    if (!taken && number < attemptsMax) {
      after(firstPauseMs * 2 ** number, () => void attempt(url, body, number + 1));
    }
  };

  return {
    send: (url: string, event: object, times = 1): void => {
      const body = Buffer.from(JSON.stringify(event));
      for (let i = 0; i < times; i++) void attempt(url, body, 1);
    },
    /** One after the other: the next when the one before was answered. */
    sendInOrder: async (url: string, events: readonly object[]): Promise<void> => {
      for (const event of events) await attempt(url, Buffer.from(JSON.stringify(event)), 1);
    },
    /** Like setTimeout, and forgotten by `close`. */
    after,
    close: (): void => {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

async function post(url: string, body: Buffer, signature: string): Promise<boolean> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", [HEADER_SIGNATURE]: signature },
      body: new Uint8Array(body),
      redirect: "error",
      signal: AbortSignal.timeout(attemptTimeoutMs),
    });
    await response.body?.cancel();
    return response.ok;
  } catch (error) {
    console.error(
      JSON.stringify({ role: "payments", msg: "callback failed", err: (error as Error).message }),
    );
    return false;
  }
}
