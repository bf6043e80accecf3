import { type Connection, type ConnectionOptions, createConnection } from "mysql2/promise";

export const relayMysqlLimits = { connectTimeoutMs: 2_000, queryTimeoutMs: 10_000 } as const;

/** Values come as `ColumnValue` says, so a SELECT gives what the binlog gives. */
export async function connectExact(url: string): Promise<Connection> {
  const connection = await createConnection(exactConnection(url));
  // Without a listener the end of an idle connection would end the process. The next statement fails.
  connection.on("error", () => undefined);
  // The binlog has a TIMESTAMP's instant; a SELECT shows it in the session's time zone.
  await connection.query("SET time_zone = '+00:00'");
  return connection;
}

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
