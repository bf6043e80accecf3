import {
  CHALLENGE_EXPIRED,
  CHALLENGE_INVALID,
  type ProblemKind,
  RATE_LIMITED,
  REQUEST_MALFORMED,
  SALE_CROWDED,
  SALE_IN_FLIGHT,
  SALE_LIMIT,
  SALE_NOT_FOUND,
  SALE_PAUSED,
  SALE_SOLD_OUT,
  SALE_UNAVAILABLE,
} from "@sluice/contract/error-codes.ts";
import { compileLimit, ticksAt } from "@sluice/contract/policy/rate-limit.ts";
import {
  ADMISSIONS_AHEAD_MS,
  CHALLENGE_LENGTH_MAX,
  CHALLENGE_TTL_MS,
  PURCHASE_QUANTITY_MAX,
  QUEUE_MAX,
  SALE_KEPT_MS,
  saleBucketKey,
  saleQueueKey,
  saleStateKey,
  TICKET_WAITS,
} from "@sluice/contract/sale.ts";
import { decode } from "cjson.safe";
import { charge, placeInKey } from "../limits/due-times.ts";
import { limitTimes } from "../limits/limit-times.ts";
import { userKey } from "../limits/user-key.ts";
import { requireUser } from "../phases/access.ts";
import { nowMs } from "../platform/clock.ts";
import { arrivedAtMs, requestBody, requestCountry, requestPath } from "../platform/request.ts";
import { answerJson, answerProblem, answerProblemUntil, answerProblemWith } from "../platform/response.ts";
import { type Admission, askForAdmission } from "./admission-line.ts";
import { hasAll, noteHasAll } from "./buyers.ts";
import { type Challenge, readChallenge } from "./challenge.ts";
import { PAUSED_RETRY_SECONDS, refusalOf } from "./gate.ts";
import { type HeldSale, saleByPath } from "./sales.ts";

/** Redis had no piece left, or had admitted as many as it may: it is not asked again before. */
const SOLD_OUT_PAUSE_MS = 1_000;
/** What the core takes in a second, with room to spare: for the estimate of who is told to wait. */
const SOLD_PER_SECOND = 2_000;
const SOLD_AT_BEST_MS = 30;

let prefix = "";

/** Users of this worker who have a request on its way, by sale and user. @perWorker */
const underWay = new LuaTable<string, boolean>();

export function configureSales(redisPrefix: string): void {
  prefix = redisPrefix;
}

/**
 * `POST /flash-sales/:id/purchases`: has Redis admit the buyer, once for each challenge. Whatever the gate would say, a
 * challenge that was used before brings its ticket back.
 *
 * @phase access
 */
export function buy(): void {
  const userId = requireUser();
  if (userId === undefined) return;
  const sale = saleByPath(requestPath());
  if (sale === undefined) {
    answerProblem(SALE_NOT_FOUND);
    return;
  }
  const wanted = readWanted();
  if (wanted === undefined) {
    const detail = `The body has a challenge and, unless it is 1, a quantity of at most ${PURCHASE_QUANTITY_MAX}`;
    answerProblemWith(REQUEST_MALFORMED, REQUEST_MALFORMED.status, detail);
    return;
  }
  const challenge = readChallenge(wanted.challenge, sale.document.challengeKey, sale.id, userId);
  if (challenge === undefined) {
    answerProblem(CHALLENGE_INVALID);
    return;
  }
  const key = `${sale.id} ${userId}`;
  if (underWay.get(key) !== undefined) {
    answerProblemUntil(SALE_IN_FLIGHT, 1);
    return;
  }
  const refusal = whyNot(sale, userId, challenge);
  // Whoever may try again with the same challenge hears of their ticket then.
  if (refusal === SALE_CROWDED) {
    refuse(refusal);
    return;
  }
  const admission = admissionOf(sale, userId, challenge, wanted.quantity, refusal === undefined);
  underWay.set(key, true);
  const [ok, reply] = pcall(askForAdmission, admission);
  underWay.delete(key);
  if (!ok) error(reply, 0);
  answerAdmission(sale, userId, wanted.challenge, refusal, reply as Admission);
}

function admissionOf(
  { id, document }: HeldSale,
  userId: string,
  challenge: Challenge,
  quantity: number,
  admits: boolean,
): (string | number)[] {
  const user = tonumber(userId) as number;
  return [
    saleStateKey(prefix, id),
    saleBucketKey(prefix, id, user),
    saleQueueKey(prefix, id),
    userId,
    challenge.id,
    string.format("%d", quantity),
    string.format("%d", document.perUserMax),
    string.format("%d", document.perSecond),
    string.format("%d", arrivedAtMs()),
    string.format("%d", document.endsAtMs + SALE_KEPT_MS),
    admits ? "1" : "0",
    string.format("%d", ADMISSIONS_AHEAD_MS),
    string.format("%d", QUEUE_MAX),
  ];
}

/** Why the buyer is not admitted unless they were already; undefined when only Redis can say. */
function whyNot(sale: HeldSale, userId: string, { issuedAtMs }: Challenge): ProblemKind | undefined {
  const refusal = refusalOf(sale, requestCountry());
  if (refusal !== undefined) return refusal.kind;
  if (nowMs() - issuedAtMs > CHALLENGE_TTL_MS) return CHALLENGE_EXPIRED;
  if (hasAll(sale, userId)) return SALE_LIMIT;
  if (!mayTry(userId)) return RATE_LIMITED;
  return isCrowded(sale) ? SALE_CROWDED : undefined;
}

/**
 * One try a second for each user, exact over all workers and connections: when more come than are admitted, whoever
 * knocks more often must not get in sooner.
 */
const TRIES = compileLimit({ key: "user", requests: 1, seconds: 1, burst: 1 }, "sale-tries");

function mayTry(userId: string): boolean {
  const [a, b] = userKey(userId);
  return charge(limitTimes(), TRIES, a, placeInKey(TRIES.place, b), ticksAt(nowMs()));
}

/** Each worker passes on no more than Redis would admit of all of them, spread as evenly: that decides exactly. */
function isCrowded(sale: HeldSale): boolean {
  const now = nowMs();
  if (now < sale.crowdedUntilMs) return true;
  const step = 1000 / sale.document.perSecond;
  const due = math.max(sale.passDueMs, now);
  if (due - now > math.max(0, ADMISSIONS_AHEAD_MS - step)) return true;
  sale.passDueMs = due + step;
  return false;
}

function answerAdmission(
  sale: HeldSale,
  userId: string,
  ticket: string,
  refusal: ProblemKind | undefined,
  reply: Admission,
): void {
  if (reply === "full") {
    refuse(SALE_CROWDED);
    return;
  }
  if (reply === undefined) {
    answerProblem(SALE_UNAVAILABLE);
    return;
  }
  switch (reply[0]) {
    case "held":
      answerTicketWith(202, ticket, reply[1] as string, undefined);
      return;
    case "admitted": {
      const ahead = reply[1] as number;
      const estimateMs = SOLD_AT_BEST_MS + math.floor((ahead * 1000) / SOLD_PER_SECOND);
      answerTicketWith(202, ticket, TICKET_WAITS, estimateMs);
      return;
    }
    case "none":
      refuse(refusal === undefined ? SALE_UNAVAILABLE : refusal);
      return;
    case "waits":
      answerProblemUntil(SALE_IN_FLIGHT, 1);
      return;
    case "limit":
      noteHasAll(sale, userId);
      answerProblem(SALE_LIMIT);
      return;
    case "sold-out":
      sale.soldOutUntilMs = nowMs() + SOLD_OUT_PAUSE_MS;
      if (sale.refusingSinceMs === 0) sale.refusingSinceMs = nowMs();
      answerProblem(SALE_SOLD_OUT);
      return;
    case "later":
      sale.crowdedUntilMs = nowMs() + (reply[1] as number);
      refuse(SALE_CROWDED);
      return;
    default:
      answerProblem(SALE_UNAVAILABLE);
  }
}

function refuse(kind: ProblemKind): void {
  if (kind.status === 429) answerProblemUntil(kind, 1);
  else if (kind === SALE_PAUSED) answerProblemUntil(kind, PAUSED_RETRY_SECONDS);
  else answerProblem(kind);
}

/** `held` is what Redis has of the ticket: it waits, or its outcome as JSON. */
export function answerTicketWith(
  status: number,
  ticket: string,
  held: string,
  estimateMs: number | undefined,
): void {
  if (held !== TICKET_WAITS) {
    answerJson(status, `{"ticket":"${ticket}",${held.substring(1)}`);
    return;
  }
  const estimate = estimateMs === undefined ? "" : `,"estimateMs":${string.format("%d", estimateMs)}`;
  answerJson(status, `{"ticket":"${ticket}","status":"QUEUED"${estimate}}`);
}

interface Wanted {
  challenge: string;
  quantity: number;
}

function readWanted(): Wanted | undefined {
  const [body] = decode(requestBody());
  if (type(body) !== "table") return undefined;
  const { challenge, quantity } = body as { challenge: unknown; quantity: unknown };
  if (type(challenge) !== "string" || (challenge as string).length > CHALLENGE_LENGTH_MAX) return undefined;
  if (quantity === undefined) return { challenge: challenge as string, quantity: 1 };
  if (type(quantity) !== "number") return undefined;
  const pieces = quantity as number;
  if (pieces < 1 || pieces > PURCHASE_QUANTITY_MAX || math.floor(pieces) !== pieces) return undefined;
  return { challenge: challenge as string, quantity: pieces };
}
