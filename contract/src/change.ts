/**
 * The change stream: a capped Redis stream of what changed in the projections. Edge workers follow it by id.
 * An entry says what changed, not what it became, except for list entries and sales, which are small and wanted by
 * every worker at once.
 *
 * An entry is a kind and then one or more changes of that kind, in the order in which they were applied:
 *
 *     k stock id 3 v 5 id 8 v 2            k access id 1 v 10 d {…}
 *
 * What is named is in Redis already, at that version or a newer one. A worker that stops half-way through an
 * entry starts it again: applying a change twice is harmless.
 */

/** Stream entries kept, approximately (`XADD MAXLEN ~`). A worker further behind loads everything afresh. */
export const CHANGES_MAX_LENGTH = 100_000;

/** Changes in one entry: what a batch changes costs the stream and its followers a sixteenth. */
export const CHANGE_IDS_MAX = 16;

/** Entry fields. */
export const CHANGE_KIND = "k";
export const CHANGE_ID = "id";
export const CHANGE_VERSION = "v";
/** JSON; present on the kinds `access` and `sale` only. */
export const CHANGE_DOCUMENT = "d";

/**
 * - `product`, `stock`: id = product id; drop what is held of that page (and, for `product`, list pages).
 * - `likes`: id = product id; drop what is held of who likes it.
 * - `session`: id = session id; forget its liveness.
 * - `policy`: id = `current`; load the policy again.
 * - `access`: id = entry id, document = `AccessEntry`; apply it when its version is newer.
 * - `filter`: id = the generation of the products' filter that is in use now; load it.
 * - `sale`: id = sale id, document = `SaleDocument`; keep it when its version is newer.
 * - `epoch`: id = the new epoch; the projections were rebuilt, load everything afresh.
 */
export type ChangeKind =
  | "product"
  | "stock"
  | "likes"
  | "session"
  | "policy"
  | "access"
  | "sale"
  | "filter"
  | "epoch";

/** One entry of the allow list or the deny list, as it travels and as Redis keeps it. */
export interface AccessEntry {
  id: number;
  list: "allow" | "deny";
  /** Canonical CIDR, as `formatCidr` prints it. */
  cidr: string;
  /** Unix time in milliseconds after which the entry is void; 0 for never. */
  expiresAtMs: number;
  removed: boolean;
  version: number;
}
