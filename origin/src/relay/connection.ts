import type { ConnectionOptions } from "mysql2/promise";

export const relayMysqlLimits = { connectTimeoutMs: 2_000, queryTimeoutMs: 10_000 } as const;

/**
 * For the relay's own connections: values come as `ColumnValue` says, so a SELECT gives what the binlog gives.
 */
export function exactConnection(url: string): ConnectionOptions {
  return {
    uri: url,
    connectTimeout: relayMysqlLimits.connectTimeoutMs,
    enableKeepAlive: true,
    timezone: "Z",
    charset: "utf8mb4",
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    jsonStrings: true,
  };
}

export function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}
