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
