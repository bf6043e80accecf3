/**
 * The sample of decisions that edges record: a capped Redis stream, one entry for each, its JSON in one field. No
 * query string and no header: tokens travel there.
 */

export const DECISION_DOCUMENT = "d";

export interface DecisionRecord {
  /** Unix time, milliseconds. */
  atMs: number;
  /** Canonical; the first address of its /24 or /48 where addresses are truncated. */
  ip: string;
  country: string;
  method: string;
  /** Cut at {@link RECORDED_PATH_BYTES_MAX}: more than any rule can ask for. */
  path: string;
  host: string;
  action: "allow" | "deny";
  status: number;
  reason: "allow-list" | "deny-list" | "rule" | "default" | "limit";
  rule: string;
  /** The edge's pattern of the route, `/orders/:id`; empty when it is no route. */
  route: string;
  /** How many decisions this one stands for: itself, and those that were not recorded since the one before. */
  weight: number;
  /** Present when the address was truncated. */
  truncated?: true;
}

/** A rule's prefix has 200 characters, of at most 4 bytes each. */
export const RECORDED_PATH_BYTES_MAX = 800;
export const RECORDED_METHOD_BYTES_MAX = 16;
/** Prefix lengths that are left when addresses are truncated. */
export const TRUNCATED_IPV4_LENGTH = 24;
export const TRUNCATED_IPV6_LENGTH = 48;
