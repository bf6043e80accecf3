import type { Logger } from "../platform/logger.ts";

export interface Repeated {
  /** Brings the next run forward. */
  now(): void;
  /** Waits for the run that is under way. */
  close(): Promise<void>;
}

/** Runs `work`, waits, and runs it again; never two at once. A failure is logged once until it works again. */
export function repeat(what: string, pauseMs: number, work: () => Promise<void>, logger: Logger): Repeated {
  let closed = false;
  let failing = false;
  let wake = () => {};
  let called = false;

  const loop = async () => {
    while (!closed) {
      called = false;
      try {
        await work();
        if (failing) logger.info(`can ${what} again`);
        failing = false;
      } catch (error) {
        if (!failing) logger.warn({ err: (error as Error).message }, `could not ${what}`);
        failing = true;
      }
      if (closed || called) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pauseMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  const running = loop();

  return {
    now: () => {
      called = true;
      wake();
    },
    close: async () => {
      closed = true;
      wake();
      await running;
    },
  };
}
