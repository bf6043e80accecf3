import { type DestinationStream as LogDestination, type Logger, pino } from "pino";

export type { LogDestination, Logger };

const bufferedBytes = 8 * 1024;
/** What a log that takes nothing more may cost; lines beyond it are lost. */
const bufferedBytesMax = 4 * 1024 * 1024;
const bufferedMs = 100;

/**
 * Standard output, to which lines go together: a write for each line costs a request more than the line itself. A
 * process that ends by itself, or throws, writes what is left; one that is killed loses the last 100 ms.
 */
export function standardOutput(): LogDestination {
  const output = pino.destination({
    dest: 1,
    sync: true,
    minLength: bufferedBytes,
    maxLength: bufferedBytesMax,
    periodicFlush: bufferedMs,
  });
  process.once("exit", () => output.flushSync());
  return output;
}

/** Fields that never reach a log, wherever they turn up to three levels deep. Checked by a test. */
const secretFields = [
  "password",
  "accessToken",
  "refreshToken",
  "token",
  "secret",
  "authorization",
  "cookie",
  "privateKey",
  // Connection URLs hold passwords, and a failed statement holds its values.
  "url",
  "sql",
];

const redactedPaths = secretFields.flatMap((field) => [
  field,
  `*.${field}`,
  `*.*.${field}`,
  `*.*.*.${field}`,
]);

/** JSON lines. */
export function createLogger(role: string, level: string, destination: LogDestination): Logger {
  const options = {
    level,
    base: { role },
    redact: { paths: redactedPaths, censor: "[redacted]" },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
  };
  return pino(options, destination);
}
