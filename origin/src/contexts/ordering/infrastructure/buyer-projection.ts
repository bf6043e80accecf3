import { buyerKey } from "@sluice/contract/keys.ts";
import { fromSqlTime } from "../../../platform/mysql/time.ts";
import { buyerProjection } from "../../../platform/redis/project.ts";
import { projectedTable } from "../../../platform/redis/projected-table.ts";

/** A step that is older is no news: who listens has looked for itself since. */
const newsMs = 600_000;

/**
 * What the relay carries of a buyer: how many steps their orders have taken. It is a hint for the apis that tell
 * them, on a stream of its own, because the edge has no use for it; nobody reads it later, so it ends by itself.
 */
export const buyersTable = projectedTable({
  table: "buyers",
  primaryKey: "user_id",
  columns: ["user_id", "events", "updated_at"],
  revision: 1,
  keys: buyerKey("", "*"),
  projections: (row) => [
    buyerProjection({
      id: String(row.user_id),
      // It grows with every change of the row.
      version: String(row.events),
      document: JSON.stringify({ events: Number(row.events) }),
      expiresAtMs: fromSqlTime(String(row.updated_at)) + newsMs,
    }),
  ],
});
