/**
 * The change stream: a capped Redis stream with one entry for each projected change. Edge workers follow it
 * by id. An entry says what changed, not what it became, except for list entries, which are small and
 * wanted by every worker at once.
 */

/** Stream entries kept, approximately (`XADD MAXLEN ~`). A worker further behind loads everything afresh. */
export const CHANGES_MAX_LENGTH = 100_000;

/** Entry fields. */
export const CHANGE_KIND = "k";
export const CHANGE_ID = "id";
export const CHANGE_VERSION = "v";
/** JSON; present on kind `access` only. */
export const CHANGE_DOCUMENT = "d";

/**
 * - `product`, `stock`: id = product id; drop what is held of that page (and, for `product`, list pages).
 * - `session`: id = session id; forget its liveness.
 * - `policy`: id = `current`; load the policy again.
 * - `access`: id = entry id, document = `AccessEntry`; apply it when its version is newer.
 * - `epoch`: id = the new epoch; the projections were rebuilt, load everything afresh.
 */
export type ChangeKind = "product" | "stock" | "session" | "policy" | "access" | "epoch";

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
