import { SALE_NOT_FOUND, SALE_TICKET_UNKNOWN } from "@sluice/contract/error-codes.ts";
import { saleBucketKey, saleText, TICKET_WAITS, TICKET_WAITS_MAX_MS } from "@sluice/contract/sale.ts";
import { isLive } from "../changes/liveness.ts";
import { requireUser } from "../phases/access.ts";
import { nowMs } from "../platform/clock.ts";
import { connect, release, textOf } from "../platform/redis.ts";
import { requestPath, requestQuery } from "../platform/request.ts";
import { answerJson, answerProblem } from "../platform/response.ts";
import { answerTicketWith } from "./buy.ts";
import { readChallenge } from "./challenge.ts";
import { type HeldSale, saleById, saleByPath, saleIds, statusOf } from "./sales.ts";

const PATH_START = "/flash-sales/";
const PURCHASES = "/purchases/";
/** More than that come in pages, from the origin. */
const LIST_MAX = 100;

let prefix = "";

export function configureTelling(redisPrefix: string): void {
  prefix = redisPrefix;
}

/** `GET /flash-sales/:id`, from memory; what this worker doesn't know goes on to the origin. @phase access */
export function tellSale(): void {
  if (!isLive()) return;
  const sale = saleByPath(requestPath());
  if (sale === undefined) return;
  if (sale.document.status === "DRAFT") {
    answerProblem(SALE_NOT_FOUND);
    return;
  }
  answerJson(200, pageOf(sale));
}

/** `GET /flash-sales`, the first page. @phase access */
export function tellSales(): void {
  const ids = saleIds();
  if (!isLive() || requestQuery() !== undefined || ids.length > LIST_MAX) return;
  const pages: string[] = [];
  for (const id of ids) {
    const sale = saleById(id);
    if (sale !== undefined && sale.document.status !== "DRAFT") pages.push(pageOf(sale));
  }
  if (pages.length > DEFAULT_PAGE) return;
  answerJson(200, `{"items":[${pages.join(",")}],"nextAfter":null}`);
}

/** As many as the origin puts on a page. */
const DEFAULT_PAGE = 20;

/**
 * `GET /flash-sales/:id/purchases/:ticket`, from Redis. What Redis does not know goes on to the origin: MySQL keeps
 * outcomes for longer, and tickets may have been lost with a Redis. So does one that has waited for too long, which the
 * origin decides.
 *
 * @phase access
 */
export function tellTicket(): void {
  const userId = requireUser();
  if (userId === undefined) return;
  const path = requestPath();
  const at = path.indexOf(PURCHASES);
  const sale = saleById(path.substring(PATH_START.length, at));
  if (sale === undefined) return;
  const ticket = path.substring(at + PURCHASES.length);
  const challenge = readChallenge(ticket, sale.document.challengeKey, sale.id, userId);
  if (challenge === undefined) {
    answerProblem(SALE_TICKET_UNKNOWN);
    return;
  }
  const [redis] = connect();
  if (redis === undefined) return;
  const [reply, failure] = redis.hget(
    saleBucketKey(prefix, sale.id, tonumber(userId) as number),
    `t${challenge.id}`,
  );
  if (failure !== undefined) {
    redis.close();
    return;
  }
  release(redis);
  const held = textOf(reply);
  if (held === undefined) return;
  if (held === TICKET_WAITS && nowMs() - challenge.issuedAtMs > TICKET_WAITS_MAX_MS) return;
  answerTicketWith(200, ticket, held, undefined);
}

function pageOf(sale: HeldSale): string {
  return saleText(sale.document.page, statusOf(sale));
}
