/**
 * What an edge does for a request, in small: read the path, check a token's form, count the caller, look something up
 * and answer with text. `../by-hand/gate.lua` is the same, written by hand.
 */
import { band, bxor, lshift, rshift } from "bit";

declare global {
  namespace ngx {
    interface SharedZones {
      hits: shared.Dict;
    }
  }
}

const PREFIX = "/items/";
const BEARER = "Bearer ";
const ID_DIGITS_MAX = 9;
const ITEMS_MAX = 10_000;
const HITS_MAX = 1_000_000_000;

interface Item {
  readonly price: number;
  readonly name: string;
}

const currencies = ["CHF", "EUR", "GBP", "SEK", "USD"];
/** @perWorker what was made once is the same in all */
const items = new LuaTable<number, Item>();

/**
 * @phase content
 * @hot
 */
export function content(): void {
  const id = itemId(ngx.var.uri);
  if (id === undefined) {
    refuse(404, "no such item");
    return;
  }
  const token = bearerToken(ngx.var.http_authorization);
  if (token === undefined) {
    refuse(401, "no token");
    return;
  }
  if (checksum(token) === 0) {
    refuse(401, "a bad token");
    return;
  }
  const [hits] = ngx.shared.hits.incr(ngx.var.remote_addr ?? "", 1, 0);
  if (hits === undefined || hits > HITS_MAX) {
    refuse(429, "too many");
    return;
  }
  const currency = ngx.var.arg_currency ?? "EUR";
  if (!isCurrency(currency)) {
    refuse(400, "no such currency");
    return;
  }
  const item = items.get(id) ?? makeItem(id);
  ngx.header["content-type"] = "application/json";
  ngx.print(`{"id":${id},"name":"${item.name}","price":${item.price},"currency":"${currency}"}`);
}

/** @hot */
function itemId(uri: string | undefined): number | undefined {
  if (uri === undefined || !uri.startsWith(PREFIX)) return undefined;
  const digits = uri.length - PREFIX.length;
  if (digits < 1 || digits > ID_DIGITS_MAX) return undefined;
  return tonumber(uri.substring(PREFIX.length));
}

/** @hot */
function bearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined || !authorization.startsWith(BEARER)) return undefined;
  return authorization.substring(BEARER.length);
}

/** @hot */
function checksum(text: string): number {
  let sum = 5381;
  for (let i = 0; i < text.length; i++) {
    sum = bxor(band(sum + lshift(sum, 5), 0x7fffffff), text.charCodeAt(i));
  }
  return bxor(sum, rshift(sum, 16));
}

/** @hot */
function isCurrency(name: string): boolean {
  for (const currency of currencies) {
    if (currency === name) return true;
  }
  return false;
}

function makeItem(id: number): Item {
  const item: Item = { price: (id * 7919) % 10_000, name: `Item ${id}` };
  if (id < ITEMS_MAX) items.set(id, item);
  return item;
}

function refuse(status: number, why: string): void {
  ngx.status = status;
  ngx.print(why);
}
