/**
 * One line for each step: quick ones when they are done, slow ones also while they last, so that nobody
 * wonders whether anything happens. On a terminal the running steps share one line that is written over.
 */
export interface Progress {
  step<T>(label: string, work: () => Promise<T>): Promise<T>;
  say(text: string): void;
}

const SLOW_MS = 2000;
const REPEAT_WITHOUT_TERMINAL_MS = 10_000;

export function createProgress(
  write: (text: string) => void,
  isTerminal: boolean,
  now: () => number = performance.now.bind(performance),
): Progress {
  const running = new Map<string, { since: number; toldAt: number }>();
  let liveLine = false;
  let timer: NodeJS.Timeout | undefined;

  function say(text: string): void {
    write(`${liveLine ? "\r\x1b[K" : ""}${text}\n`);
    liveLine = false;
  }

  function tell(): void {
    const slow = [...running].filter(([, { since }]) => now() - since >= SLOW_MS);
    if (isTerminal && slow.length > 0) {
      write(
        `\r\x1b[K  … ${slow.map(([label, { since }]) => `${label} ${seconds(now() - since, 0)}`).join(", ")}`,
      );
      liveLine = true;
      return;
    }
    for (const [label, step] of slow) {
      if (step.toldAt > 0 && now() - step.toldAt < REPEAT_WITHOUT_TERMINAL_MS) continue;
      step.toldAt = now();
      say(`  … ${label}, ${seconds(now() - step.since, 0)} so far`);
    }
  }

  async function step<T>(label: string, work: () => Promise<T>): Promise<T> {
    const since = now();
    running.set(label, { since, toldAt: 0 });
    timer ??= setInterval(tell, 500).unref();
    try {
      const result = await work();
      say(`  ✓ ${label.padEnd(34)} ${seconds(now() - since, 1)}`);
      return result;
    } catch (error) {
      say(`  ✗ ${label.padEnd(34)} ${seconds(now() - since, 1)}`);
      throw error;
    } finally {
      running.delete(label);
      if (running.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    }
  }

  return { step, say };
}

function seconds(ms: number, digits: number): string {
  return `${(ms / 1000).toFixed(digits)} s`;
}
