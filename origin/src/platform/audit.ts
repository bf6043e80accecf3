import type { Database } from "./mysql/database.ts";

/**
 * One invariant of the data, as a query for what breaks it. Contexts declare theirs; the audit role runs all
 * of them on the live system and changes nothing.
 */
export interface Audit {
  /** What must hold, in a few words. */
  readonly name: string;
  /** Finds the rows that break it, with the ids that a person needs to look further. One statement: it sees
   * the database in one moment, so what is in flight is never mistaken for a fault. */
  readonly sql: string;
}

export interface AuditResult {
  readonly name: string;
  /** At most `auditRowsMax` of the rows that break it. */
  readonly broken: readonly Readonly<Record<string, unknown>>[];
}

/** Rows shown of one broken invariant: enough to begin looking, and no flood. */
export const auditRowsMax = 20;

/** One after the other: an audit must not be what slows the shop down. */
export async function runAudits(database: Database, audits: readonly Audit[]): Promise<AuditResult[]> {
  const results: AuditResult[] = [];
  for (const { name, sql } of audits) {
    const broken = await database.query<Record<string, unknown>>(`${sql} LIMIT ${auditRowsMax}`);
    results.push({ name, broken });
  }
  return results;
}

/** For people: one line for each invariant, and below it what breaks it. */
export function auditTable(results: readonly AuditResult[]): string {
  return results
    .flatMap(({ name, broken }) => [
      `${broken.length === 0 ? "ok    " : "BROKEN"}  ${name}`,
      ...broken.map((row) => `          ${JSON.stringify(row)}`),
    ])
    .join("\n");
}
