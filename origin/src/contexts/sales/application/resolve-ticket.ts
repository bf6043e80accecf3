import { TICKET_WAITS, TICKET_WAITS_MAX_MS } from "@sluice/contract/sale.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { Sale } from "../domain/sale.ts";
import type { Decided } from "../domain/ticket.ts";
import { salesErrors } from "../errors.ts";
import { ticketLimits } from "./limits.ts";
import type { Admissions, SaleBook, SaleKeys } from "./ports.ts";
import { turnDown } from "./run-core.ts";

export interface TicketDependencies {
  readonly book: SaleBook;
  readonly admissions: Admissions;
  readonly clock: Clock;
  /** The ticket, if it was handed out to that user. */
  readonly read: (
    text: string,
    saleId: number,
    userId: number,
    keys: SaleKeys,
  ) => { id: string; issuedAtMs: number } | undefined;
  readonly outcomeText: (sale: Sale, keys: SaleKeys, decided: Decided) => string;
}

export interface TicketState {
  /** The answer, as JSON. */
  readonly text: string;
  readonly decided: boolean;
}

/**
 * What becomes of a ticket. Redis is asked first, which has nearly all answers and costs MySQL nothing, however many wait
 * for theirs. What it does not have MySQL may know. What neither knows was never used, or was lost with Redis: once it is
 * too old to be on its way it is turned down, in MySQL, so that no consumer that still has it in hand can sell to it.
 * While Redis does not answer nothing is turned down.
 */
export async function resolveTicket(
  on: TicketDependencies,
  saleId: number,
  userId: number,
  text: string,
): Promise<TicketState> {
  const { book, admissions, clock } = on;
  const keys = await book.keysOf(saleId);
  const ticket = keys === undefined ? undefined : on.read(text, saleId, userId, keys);
  if (keys === undefined || ticket === undefined) throw new Refusal(salesErrors.ticketUnknown);
  const answer = (outcome: string) => `{"ticket":"${text}",${outcome.slice(1)}`;
  const waits = { text: answer('{"status":"QUEUED"}'), decided: false };
  const ageMs = clock() - ticket.issuedAtMs;
  const looked = await admissions.ticket(saleId, userId, ticket.id);
  const held = looked === "away" ? undefined : looked.held;
  if (held !== undefined && held !== TICKET_WAITS) return { text: answer(held), decided: true };
  if (held === TICKET_WAITS && ageMs <= TICKET_WAITS_MAX_MS) return waits;
  const [sale, decided] = await Promise.all([book.find(saleId), book.ticket(saleId, ticket.id)]);
  if (sale === undefined) throw new Refusal(salesErrors.ticketUnknown);
  if (decided !== undefined) return { text: answer(on.outcomeText(sale, keys, decided)), decided: true };
  if (looked === "away" || (held === undefined && ageMs < ticketLimits.lostAfterMs)) return waits;
  const lost = await turnDown(
    book,
    saleId,
    {
      ...{ ticket: ticket.id, userId, quantity: 1, arrivedAtMs: undefined },
      ...{ queueMs: ticket.issuedAtMs, queueNumber: 0 },
    },
    held === undefined ? "lost" : "late",
    clock(),
  );
  return { text: answer(on.outcomeText(sale, keys, lost)), decided: true };
}
