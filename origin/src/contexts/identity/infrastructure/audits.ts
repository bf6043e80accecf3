import type { Audit } from "../../../platform/audit.ts";

export const identityAudits: readonly Audit[] = [
  {
    name: "sessions: the tokens of a family follow each other, so exactly one is unused",
    sql: `SELECT s.id AS session_id, COUNT(t.token_hash) AS tokens, SUM(t.used_at IS NULL) AS unused
          FROM sessions s LEFT JOIN refresh_tokens t ON t.session_id = s.id
          GROUP BY s.id HAVING unused IS NULL OR unused <> 1`,
  },
  {
    name: "sessions: what was revoked has a version that says so",
    sql: `SELECT id AS session_id, version, revoked_at FROM sessions WHERE (revoked_at IS NOT NULL) <> (version > 1)`,
  },
];
