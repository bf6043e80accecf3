import { SALE_NOT_FOUND, SALE_TICKET_UNKNOWN } from "@sluice/contract/error-codes.ts";
import { defineErrors } from "../../kernel/errors.ts";

/** What the origin says of sales; the edge's own refusals stand in contract/src/error-codes.ts. */
export const salesErrors = defineErrors({
  notFound: SALE_NOT_FOUND,
  productUnknown: { code: "sale.product_unknown", status: 422, title: "The product is not on sale" },
  stale: {
    code: "sale.version_stale",
    status: 412,
    title: "The sale has changed since: If-Match names another version",
  },
  versionMissing: {
    code: "sale.version_missing",
    status: 428,
    title: "A change needs If-Match with the version that it is made of",
  },
  statusRefused: {
    code: "sale.status_refused",
    status: 409,
    title: "A sale in its state cannot become that",
  },
  fixed: {
    code: "sale.terms_fixed",
    status: 409,
    title: "Product and price stay as they are once pieces are set aside",
  },
  timesReversed: { code: "sale.times_reversed", status: 422, title: "A sale ends after it starts" },
  tooMany: { code: "sale.too_many", status: 409, title: "As many sales are under way as there may be" },
  ticketUnknown: SALE_TICKET_UNKNOWN,
  atTheEdgeOnly: {
    code: "sale.edge_only",
    status: 503,
    title: "Only the edge lets buyers in, and it could not just now",
  },
  listenersTooMany: {
    code: "sale.listeners_too_many",
    status: 503,
    title: "As many wait for the outcome of a ticket as this instance serves",
  },
});
