import type { Audit } from "../../../platform/audit.ts";

export const accessPolicyAudits: readonly Audit[] = [
  {
    name: "policy: one is in force, it is the latest revision, and its version says so",
    sql: `SELECT c.revision, c.version, latest.revision AS latest, latest.revisions
          FROM (SELECT MAX(revision) AS revision, COUNT(*) AS revisions FROM policy_revisions) latest
          LEFT JOIN policy_current c ON c.id = 1
          LEFT JOIN policy_revisions r ON r.revision = c.revision
          WHERE c.revision IS NULL OR c.revision <> latest.revision OR c.version <> c.revision
             OR latest.revisions <> latest.revision OR c.document <> r.document`,
  },
];
