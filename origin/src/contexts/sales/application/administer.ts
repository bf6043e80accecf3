import { Refusal } from "../../../kernel/errors.ts";
import { fixedTerms, holdsPieces, mayBecome, type Sale, type SaleTerms } from "../domain/sale.ts";
import { salesErrors } from "../errors.ts";
import { saleLimits } from "./limits.ts";
import type {
  Allotments,
  ProductDirectory,
  SaleBook,
  SaleChange,
  SaleKeys,
  SaleTransaction,
} from "./ports.ts";

export interface Administration {
  readonly book: SaleBook;
  readonly products: ProductDirectory;
  readonly allotments: Allotments;
  readonly newKeys: () => SaleKeys;
  /** After a commit: what Redis has to know before buyers come. A hint, the keeper looks for itself. */
  readonly announce: (saleId: number) => Promise<void>;
}

export type ChangeOfSale = Partial<SaleTerms> & { readonly status?: Sale["status"] };

/** A draft, of which nobody but operators knows. */
export async function createSale(on: Administration, terms: SaleTerms, change: SaleChange): Promise<Sale> {
  if (terms.endsAtMs <= terms.startsAtMs) throw new Refusal(salesErrors.timesReversed);
  const product = (await on.products.findPrices([terms.productId])).get(terms.productId);
  if (product === undefined) throw new Refusal(salesErrors.productUnknown);
  const { currency } = product;
  return on.book.transaction(async (tx) => {
    const id = await tx.insert({ ...terms, currency }, on.newKeys(), change.nowMs);
    return tx.save({ ...terms, id, currency, status: "DRAFT", version: 0 }, change);
  });
}

/** Changes terms and status. Pieces are set aside, and go back, in the same transaction. */
export async function changeSale(
  on: Administration,
  id: number,
  version: number,
  { status, ...terms }: ChangeOfSale,
  change: SaleChange,
): Promise<Sale> {
  const saved = await on.book.transaction(async (tx) => {
    const sale = await tx.lock(id);
    if (sale === undefined) throw new Refusal(salesErrors.notFound);
    if (sale.version !== version) {
      throw new Refusal(salesErrors.stale, { members: { version: sale.version } });
    }
    const wanted = await wantedOf(sale, terms, status, change.nowMs);
    const after = await tx.save(wanted, change);
    await movePieces(on, tx, sale, after, change);
    return after;
  });
  await on.announce(id);
  return saved;
}

async function wantedOf(
  sale: Sale,
  terms: Partial<SaleTerms>,
  status: Sale["status"] | undefined,
  nowMs: number,
): Promise<Sale> {
  const same =
    status === undefined || status === sale.status || (status === "OPEN" && sale.status === "SOLD_OUT");
  if (!same && !mayBecome(sale.status, status)) {
    throw new Refusal(salesErrors.statusRefused, { detail: `${sale.status} does not become ${status}` });
  }
  if (sale.status === "ENDED") throw new Refusal(salesErrors.statusRefused, { detail: "It has ended" });
  if (
    sale.status !== "DRAFT" &&
    fixedTerms.some((term) => terms[term] !== undefined && terms[term] !== sale[term])
  ) {
    throw new Refusal(salesErrors.fixed);
  }
  const opensNow = status === "OPEN" && nowMs < (terms.startsAtMs ?? sale.startsAtMs);
  const wanted: Sale = {
    ...sale,
    ...terms,
    ...(opensNow ? { startsAtMs: nowMs } : {}),
    status: same ? sale.status : status,
  };
  if (wanted.endsAtMs <= wanted.startsAtMs) throw new Refusal(salesErrors.timesReversed);
  return wanted;
}

async function movePieces(
  on: Administration,
  tx: SaleTransaction,
  before: Sale,
  { id, productId, total, status }: Sale,
  { actor, reason, nowMs }: SaleChange,
): Promise<void> {
  if (!holdsPieces(status)) return;
  if (!holdsPieces(before.status) && (await tx.countUnderWay()) > saleLimits.underWayMax) {
    throw new Refusal(salesErrors.tooMany, { detail: `at most ${saleLimits.underWayMax}` });
  }
  const why = `flash sale ${id}${reason === "" ? "" : `: ${reason}`}`.slice(0, saleLimits.reasonLengthMax);
  await on.allotments.set(tx.shared, { id, productId, total }, { actor, reason: why, nowMs });
}
