/**
 * What was acknowledged, and what is said of each read, by one clock:
 *
 * 1. A read that began `BOUND_MS` after a write was acknowledged sees it or a newer one, outside announced outages: from
 *    the kill of a relay or Redis until all is well again, and the bound after it. What was written in one is to be seen
 *    the bound after that.
 * 2. What one worker has shown never goes backwards, outside the same outages.
 */
export class Ledger {
  readonly broken: string[] = [];
  readonly staleMs: number[] = [];
  /** One after the other. */
  readonly outages: { fromMs: number; toMs: number }[] = [];
  reads = 0;
  writes = 0;
  readonly #acknowledged = new Map<string, Write[]>();

  acknowledge(path: string, price: number, atMs: number): void {
    this.writes += 1;
    const writes = this.#acknowledged.get(path) ?? [];
    writes.push({ price, atMs });
    this.#acknowledged.set(path, writes);
  }

  latest(path: string): number {
    return this.#acknowledged.get(path)?.at(-1)?.price ?? 1;
  }

  /** `before` is what the same worker has shown last. */
  judge(path: string, price: number, beganMs: number, before: number): void {
    this.reads += 1;
    if (this.#isOutage(beganMs)) return;
    if (price < before) this.broken.push(`${path} went back from ${before} to ${price} in one worker`);
    const replaced = this.#acknowledged.get(path)?.find((write) => write.price > price);
    if (replaced === undefined || replaced.atMs >= beganMs) return;
    const ageMs = beganMs - replaced.atMs;
    this.staleMs.push(ageMs);
    if (beganMs - this.#excusedUntilMs(replaced.atMs) > BOUND_MS) {
      this.broken.push(`${path} was ${price}, ${Math.round(ageMs)} ms after ${replaced.price}`);
    }
  }

  #isOutage(atMs: number): boolean {
    return this.#excusedUntilMs(atMs) > atMs;
  }

  /** When the outages are over, and the bound after them, that begin with one at this time. */
  #excusedUntilMs(atMs: number): number {
    let untilMs = atMs;
    for (const { fromMs, toMs } of this.outages) {
      if (untilMs >= fromMs && untilMs < toMs + BOUND_MS) untilMs = toMs + BOUND_MS;
    }
    return untilMs;
  }
}

/** Changes are everywhere within 50 ms when a machine has nothing else to do; a test run has much else. */
export const BOUND_MS = 1_000;

interface Write {
  price: number;
  atMs: number;
}
