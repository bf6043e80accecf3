import { policyKey } from "@sluice/contract/keys.ts";
import type { PolicyDocument } from "@sluice/contract/policy/document.ts";
import type { Database } from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";
import { policyProjection } from "../../../platform/redis/project.ts";
import { projectedTable } from "../../../platform/redis/projected-table.ts";
import type { Policies, PublishedRevision, Revision } from "../application/ports.ts";

export function policiesIn(database: Database): Policies {
  return {
    current: async () => {
      const [row] = await database.query<{ revision: number; document: string }>(
        "SELECT revision, document FROM policy_current WHERE id = 1",
      );
      if (row === undefined) throw new Error("the row that its migration put into policy_current is gone");
      return { revision: row.revision, document: JSON.parse(row.document) as PolicyDocument };
    },

    // The lock on the one row lets publications follow each other, so that revisions have no gaps.
    publish: (draft, replaces) =>
      database.transaction(async (tx) => {
        const [held] = await tx.query<{ revision: number }>(
          "SELECT revision FROM policy_current WHERE id = 1 FOR UPDATE",
        );
        if (held === undefined) throw new Error("the row that its migration put into policy_current is gone");
        if (replaces !== undefined && replaces !== held.revision) {
          return { outcome: "stale", revision: held.revision };
        }
        const revision = held.revision + 1;
        const document = JSON.stringify(draft.document);
        await tx.execute(
          "INSERT INTO policy_revisions (revision, document, author, reason, created_at) VALUES (?)",
          [[revision, document, draft.author, draft.reason, toSqlTime(draft.createdAtMs)]],
        );
        await tx.execute(
          "UPDATE policy_current SET revision = ?, document = ?, version = version + 1 WHERE id = 1",
          [revision, document],
        );
        return { outcome: "published", revision };
      }),

    revision: async (revision) => {
      const [row] = await database.query<RevisionRow & { document: string }>(
        `SELECT ${columns}, document FROM policy_revisions WHERE revision = ?`,
        [revision],
      );
      if (row === undefined) return undefined;
      const document = JSON.parse(row.document) as PolicyDocument;
      return { ...toRevision(row), document } satisfies PublishedRevision;
    },

    page: async (beforeRevision, limit) => {
      const rows = await database.query<RevisionRow>(
        `SELECT ${columns} FROM policy_revisions WHERE revision < ? ORDER BY revision DESC LIMIT ?`,
        [beforeRevision, limit],
      );
      return rows.map(toRevision);
    },
  };
}

/** What the relay carries: the document in force, under its revision. */
export const policyTable = projectedTable({
  table: "policy_current",
  primaryKey: "id",
  columns: ["id", "version", "document"],
  revision: 1,
  keys: policyKey(""),
  projections: (row) => [policyProjection({ version: String(row.version), document: String(row.document) })],
});

const columns = "revision, author, reason, created_at AS createdAt";

interface RevisionRow {
  readonly revision: number;
  readonly author: string;
  readonly reason: string;
  readonly createdAt: string;
}

function toRevision({ revision, author, reason, createdAt }: RevisionRow): Revision {
  return { revision, author, reason, createdAtMs: fromSqlTime(createdAt) };
}
