import type { SaleTerms } from "../domain/sale.ts";

/** What everybody may know of a sale, as JSON, but for its status. `tokenKey` verifies purchase tokens (RFC 8037). */
export function salePage(
  sale: Pick<
    SaleTerms,
    "productId" | "priceCents" | "total" | "perUserMax" | "countries" | "startsAtMs" | "endsAtMs"
  > & { readonly id: number; readonly currency: string },
  tokenKey: string,
): string {
  return JSON.stringify({
    id: sale.id,
    productId: sale.productId,
    priceCents: sale.priceCents,
    currency: sale.currency,
    total: sale.total,
    perUserMax: sale.perUserMax,
    countries: sale.countries,
    startsAt: new Date(sale.startsAtMs).toISOString(),
    endsAt: new Date(sale.endsAtMs).toISOString(),
    tokenKey: { kty: "OKP", crv: "Ed25519", alg: "EdDSA", kid: `sale-${sale.id}`, x: tokenKey },
  });
}
