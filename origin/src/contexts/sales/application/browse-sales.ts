import { saleText, statusAt } from "@sluice/contract/sale.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { Sale } from "../domain/sale.ts";
import { salesErrors } from "../errors.ts";
import { type Fairness, fairnessOf } from "./fairness.ts";
import { saleLimits } from "./limits.ts";
import type { Admissions, ChangeEntry, Pieces, SaleBook } from "./ports.ts";
import { salePage } from "./sale-page.ts";

type Book = Pick<SaleBook, "find" | "page" | "keysOf" | "piecesOf" | "changes" | "counts" | "served">;

/** What everybody sees: the edge answers the same from its own memory while it has one. */
export async function pageOfSale(book: Book, id: number, clock: Clock): Promise<string> {
  const sale = await book.find(id);
  if (sale === undefined || sale.status === "DRAFT") throw new Refusal(salesErrors.notFound);
  return pageOf(book, sale, clock);
}

export async function listSales(book: Book, after: number, limit: number, clock: Clock): Promise<string> {
  const found = await book.page(after, limit + 1, false);
  const items = await Promise.all(found.slice(0, limit).map((sale) => pageOf(book, sale, clock)));
  const next = found.length > limit ? found[limit - 1]?.id : undefined;
  return `{"items":[${items.join(",")}],"nextAfter":${next ?? "null"}}`;
}

async function pageOf(book: Book, sale: Sale, clock: Clock): Promise<string> {
  const keys = await book.keysOf(sale.id);
  return saleText(salePage(sale, keys?.tokenPublic ?? ""), statusAt(sale, clock()));
}

/** What operators see of a sale besides its terms. */
export interface SaleFigures {
  readonly pieces: Pieces | undefined;
  /** Entries of the queue; undefined while Redis is away. */
  readonly waiting: number | undefined;
  /** Decided tickets by outcome. */
  readonly tickets: Readonly<Record<string, number>>;
}

export async function saleFigures(
  book: Book,
  admissions: Admissions,
  id: number,
): Promise<SaleFigures & { readonly sale: Sale }> {
  const [sale, pieces, tickets] = await Promise.all([book.find(id), book.piecesOf(id), book.counts(id)]);
  if (sale === undefined) throw new Refusal(salesErrors.notFound);
  const waiting = admissions.isUp() ? await admissions.waiting(id) : undefined;
  return { sale, pieces, tickets, waiting };
}

export async function changesOf(
  book: Book,
  id: number,
  before: number,
  limit: number,
): Promise<ChangeEntry[]> {
  if ((await book.find(id)) === undefined) throw new Refusal(salesErrors.notFound);
  return book.changes(id, before, limit);
}

/** How the queue kept to the order of arrival, over all tickets that were decided. */
export async function fairnessOfSale(book: Book, id: number): Promise<Fairness> {
  if ((await book.find(id)) === undefined) throw new Refusal(salesErrors.notFound);
  const served = await book.served(id, saleLimits.totalMax);
  return fairnessOf(served.map(({ arrivedAtMs }) => arrivedAtMs));
}
