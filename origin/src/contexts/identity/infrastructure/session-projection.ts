import { FIELD_DOCUMENT, FIELD_VERSION, sessionKey } from "@sluice/contract/keys.ts";
import { fromSqlTime } from "../../../platform/mysql/time.ts";
import type { RedisStore } from "../../../platform/redis/connect.ts";
import { type Projection, projectAll, sessionProjection } from "../../../platform/redis/project.ts";
import { projectedTable } from "../../../platform/redis/projected-table.ts";
import type { AnnounceSessions } from "../application/ports.ts";
import type { Session } from "../domain/session.ts";

/** What the relay carries of a session: its owner and end while it is live, a tombstone once it is revoked. */
export const sessionsTable = projectedTable({
  table: "sessions",
  primaryKey: "id",
  columns: ["id", "user_id", "version", "expires_at", "revoked_at"],
  revision: 1,
  keys: sessionKey("", "*"),
  projections: (row) => [
    projectionOf({
      id: String(row.id),
      userId: Number(row.user_id),
      version: Number(row.version),
      expiresAtMs: fromSqlTime(String(row.expires_at)),
      revoked: row.revoked_at !== null,
    }),
  ],
});

/**
 * Applies the projections at once, so that the first request after a login passes and the first one after a
 * logout doesn't. A Redis that is down changes nothing: the commit stands, and the relay carries it.
 */
export function announceSessionsTo(redis: RedisStore): AnnounceSessions {
  return async (sessions) => {
    if (!redis.isUp()) return;
    await projectAll(redis, sessions.map(projectionOf)).catch(() => undefined);
  };
}

/** As the relay and `announceSessionsTo` left it: a tombstone says that the session was ended. */
export function sessionEndedBy(redis: RedisStore): (sessionId: string) => Promise<boolean> {
  return async (sessionId) => {
    if (!redis.isUp()) return false;
    const fields = [FIELD_VERSION, FIELD_DOCUMENT];
    const unknown = [null, null];
    const [version, document] = await redis.client
      .hmget(sessionKey(redis.prefix, sessionId), ...fields)
      .catch(() => unknown);
    return typeof version === "string" && document === null;
  };
}

function projectionOf(session: Session): Projection {
  const { id, userId, version, expiresAtMs, revoked } = session;
  const document = revoked ? undefined : JSON.stringify({ userId, expiresAt: expiresAtMs });
  return sessionProjection({ id, version, document, expiresAtMs });
}
