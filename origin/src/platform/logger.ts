import { type Logger, pino } from "pino";

export type { Logger };

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
export function createLogger(role: string, level: string, destination: NodeJS.WritableStream): Logger {
  const options = {
    level,
    base: { role },
    redact: { paths: redactedPaths, censor: "[redacted]" },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
  };
  return pino(options, destination);
}
