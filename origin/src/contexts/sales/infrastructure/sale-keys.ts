import {
  createHmac,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
} from "node:crypto";
import { CHALLENGE_MAC_LENGTH, challengeText } from "@sluice/contract/sale.ts";
import type { SaleKeys } from "../application/ports.ts";
import type { Sale } from "../domain/sale.ts";
import type { Decided } from "../domain/ticket.ts";

/** Each sale has keys of its own, so that what one of them signed says nothing about another. */
export function newSaleKeys(): SaleKeys {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    challengeKey: randomBytes(32).toString("base64url"),
    tokenKey: privateKey.export({ type: "pkcs8", format: "der" }).toString("base64url"),
    tokenPublic: publicKey.export({ format: "jwk" }).x as string,
  };
}

export interface ReadTicket {
  /** Names it in Redis and in MySQL. */
  readonly id: string;
  /** When its challenge was handed out. */
  readonly issuedAtMs: number;
}

/** The ticket, if the sale's edges handed it out to that user; edge/src/sales/challenge.ts is the other half. */
export function readTicket(
  text: string,
  saleId: number,
  userId: number,
  { challengeKey }: SaleKeys,
): ReadTicket | undefined {
  const parts = /^(([0-9a-z]{1,11})\.[0-9a-z-]{1,40})\.([\w-]{22})$/.exec(text);
  if (parts === null) return undefined;
  const [, id, issued, mac] = parts as unknown as [string, string, string, string];
  const expected = createHmac("sha256", challengeKey)
    .update(challengeText(String(saleId), String(userId), id))
    .digest("base64url")
    .slice(0, CHALLENGE_MAC_LENGTH);
  if (!timingSafeEqual(Buffer.from(mac), Buffer.from(expected))) return undefined;
  return { id, issuedAtMs: Number.parseInt(issued, 36) };
}

const privateKeys = new Map<string, KeyObject>();
const privateKeysMax = 100;

/**
 * Proof of a purchase, a JWT that anybody can verify by the public key on the sale's page. The same ticket always has
 * the same token: Ed25519 has no random part, and all that it says is in MySQL.
 */
export function purchaseToken(sale: Sale, keys: SaleKeys, decided: Decided, issuer: string): string {
  const header = { alg: "EdDSA", typ: "purchase+jwt", kid: `sale-${sale.id}` };
  const claims = {
    iss: issuer,
    aud: `sale:${sale.id}`,
    sub: String(decided.userId),
    jti: decided.ticket,
    order: decided.orderId,
    product: sale.productId,
    quantity: decided.quantity,
    priceCents: sale.priceCents,
    currency: sale.currency,
    iat: Math.floor(decided.decidedAtMs / 1_000),
    exp: Math.floor((decided.paysUntilMs ?? decided.decidedAtMs) / 1_000),
  };
  const signed = `${encoded(header)}.${encoded(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), keyOf(keys)).toString("base64url")}`;
}

/** Reading one takes as long as signing with it. */
function keyOf({ tokenKey }: SaleKeys): KeyObject {
  const held = privateKeys.get(tokenKey);
  if (held !== undefined) return held;
  if (privateKeys.size >= privateKeysMax) privateKeys.clear();
  const key = createPrivateKey({ key: Buffer.from(tokenKey, "base64url"), type: "pkcs8", format: "der" });
  privateKeys.set(tokenKey, key);
  return key;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
