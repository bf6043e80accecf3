import { SALE_LIMIT, SALE_NOT_DRAWN, SALE_NOT_FOUND } from "@sluice/contract/error-codes.ts";
import { CHALLENGE_TTL_MS, DRAW_MS } from "@sluice/contract/sale.ts";
import { requireUser } from "../phases/access.ts";
import { nowMs } from "../platform/clock.ts";
import { lotOf } from "../platform/lots.ts";
import { requestPath } from "../platform/request.ts";
import { answerJson, answerProblem, answerProblemUntil } from "../platform/response.ts";
import { hasAll } from "./buyers.ts";
import { newChallenge } from "./challenge.ts";
import { type HeldSale, saleByPath } from "./sales.ts";

/** Shares are whole ten-thousandths. */
const SCALE = 10_000;

/**
 * `POST /flash-sales/:id/challenges`: only while the sale is open, so that nobody can have one beforehand.
 *
 * @phase access
 */
export function handOutChallenge(): void {
  const userId = requireUser();
  if (userId === undefined) return;
  const sale = saleByPath(requestPath());
  if (sale === undefined) {
    answerProblem(SALE_NOT_FOUND);
    return;
  }
  if (hasAll(sale, userId)) {
    answerProblem(SALE_LIMIT);
    return;
  }
  if (!isDrawn(sale, userId)) {
    answerProblemUntil(SALE_NOT_DRAWN, math.ceil((DRAW_MS - (nowMs() % DRAW_MS)) / 1000));
    return;
  }
  const challenge = newChallenge(sale.document.challengeKey, sale.id, userId);
  answerJson(201, `{"challenge":"${challenge}","expiresInMs":${string.format("%d", CHALLENGE_TTL_MS)}}`);
}

/** A lot for each buyer and time, the same at every edge: asking more often or over more connections changes nothing. */
function isDrawn({ document, id }: HeldSale, userId: string): boolean {
  if (document.buyRate >= SCALE) return true;
  const window = string.format("%d", math.floor(nowMs() / DRAW_MS));
  return lotOf(`${document.challengeKey} ${id} ${userId} ${window}`) % SCALE < document.buyRate;
}
