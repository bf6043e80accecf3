import { TICKET_WAITS } from "@sluice/contract/sale.ts";
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
 * What becomes of a ticket. MySQL knows what is decided and Redis who waits. What neither knows was never used, or was
 * lost with Redis: once it is too old to be on its way it is turned down, in MySQL, so that no consumer that still has
 * it in hand can sell to it.
 */
export async function resolveTicket(
  { book, admissions, clock, read, outcomeText }: TicketDependencies,
  saleId: number,
  userId: number,
  text: string,
): Promise<TicketState> {
  const [sale, keys] = await Promise.all([book.find(saleId), book.keysOf(saleId)]);
  const ticket = keys === undefined ? undefined : read(text, saleId, userId, keys);
  if (sale === undefined || keys === undefined || ticket === undefined) {
    throw new Refusal(salesErrors.ticketUnknown);
  }
  const answer = (outcome: string) => `{"ticket":"${text}",${outcome.slice(1)}`;
  const decided = await book.ticket(saleId, ticket.id);
  if (decided !== undefined) return { text: answer(outcomeText(sale, keys, decided)), decided: true };
  const waits = { text: answer('{"status":"QUEUED"}'), decided: false };
  if (!admissions.isUp()) return waits;
  const held = await admissions.ticket(saleId, userId, ticket.id);
  if (held !== undefined && held !== TICKET_WAITS) return { text: answer(held), decided: true };
  if (held === TICKET_WAITS || clock() < ticket.issuedAtMs + ticketLimits.lostAfterMs) return waits;
  const lost = await turnDown(
    book,
    saleId,
    {
      ...{ ticket: ticket.id, userId, quantity: 1, arrivedAtMs: undefined },
      ...{ queueMs: ticket.issuedAtMs, queueNumber: 0 },
    },
    "lost",
    clock(),
  );
  return { text: answer(outcomeText(sale, keys, lost)), decided: true };
}
