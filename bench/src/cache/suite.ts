/**
 * `GET /products/:id` beside what nginx can do by itself: `return 200` with a body of the same size, and a hit of
 * `proxy_cache`. Requests go to 1,000 products in turn, from 50,000 addresses.
 */
import { composeProductPage } from "@sluice/contract/product-page.ts";
import { freePorts } from "../../../cli/src/process/ports.ts";
import type { Contender } from "../proxies/contender.ts";
import type { Requests } from "../proxies/load.ts";
import { clientAddresses } from "../proxies/population.ts";
import type { Product } from "../proxies/projections.ts";
import { startFixedAnswer, startProxyCache, startUpstream } from "../proxies/reference.ts";
import { measureInTurn } from "../proxies/rounds.ts";
import { onStage, type Stage } from "../proxies/stage.ts";
import type { Suite } from "../suite.ts";

const PRODUCTS = 1_000;
/** A worker's memory holds at most 10,000 pages. */
const COLD_PRODUCTS = 25_000;
/** Products that Redis has not. */
const UNPROJECTED = 25_000;
/** All ids have as many digits, so that all pages have the same size. */
const FIRST_ID = 100_000;

const RETURN = "nginx: return 200";
const PROXY_CACHE = "nginx: proxy_cache, hit";

export const cacheSuite: Suite = {
  name: "cache",
  summary: "product pages from worker memory beside nginx's return 200 and proxy_cache",
  run: (options) =>
    onStage(1, async (stage) => measureInTurn("cache", await startContenders(stage), stage.home, options)),
};

async function startContenders(stage: Stage): Promise<Contender[]> {
  const { home } = stage;
  const products = Array.from({ length: PRODUCTS }, (_, index) => product(FIRST_ID + index));
  const [sample] = products as [Product, ...Product[]];
  const page = composeProductPage(JSON.stringify(sample.product), JSON.stringify(sample.stock));
  const fixed = await stage.start((port) => startFixedAnswer(home, port, 200, page));
  const [pagesPort] = (await freePorts(1)) as [number];
  await stage.start(() => startUpstream(home, pagesPort, "pages", page));
  const cached = await stage.start((port) => startProxyCache(home, port, pagesPort));
  const edge = await stage.startEdge("edge", {
    denied: [],
    policy: { rules: [], default: "allow" },
    products,
  });
  const requests: Requests = {
    paths: products.map(({ product }) => `/products/${product.id}`),
    addresses: clientAddresses(),
    tokens: [],
  };
  const beside = (reference: string, asked = requests, status = 200) => {
    return { status, reference, requests: asked, exceptions: [] };
  };
  const cold = await stage.startEdge("cold", {
    denied: [],
    policy: { rules: [], default: "allow" },
    products: Array.from({ length: COLD_PRODUCTS }, (_, index) => product(FIRST_ID + index)),
    filtered: Array.from({ length: COLD_PRODUCTS + UNPROJECTED }, (_, index) => FIRST_ID + index),
  });
  // More than a worker's memory holds, in turn: none is ever found there.
  const inTurn = (first: number, count: number): Requests => {
    return { ...requests, paths: Array.from({ length: count }, (_, index) => `/products/${first + index}`) };
  };
  return [
    { name: RETURN, ...fixed, ...beside(RETURN) },
    { name: "edge: from worker memory", ...edge, ...beside(RETURN) },
    { name: "edge: from Redis", ...cold, ...beside(RETURN, inTurn(FIRST_ID, COLD_PRODUCTS)) },
    {
      name: "edge: from the origin, on a miss",
      ...cold,
      ...beside(RETURN, inTurn(FIRST_ID + COLD_PRODUCTS, UNPROJECTED)),
    },
    {
      name: "edge: ids that never existed, 404",
      ...cold,
      ...beside(RETURN, inTurn(50_000_000, 50_000), 404),
    },
    { name: PROXY_CACHE, ...cached, ...beside(PROXY_CACHE) },
    { name: "edge: from worker memory, beside proxy_cache", ...edge, ...beside(PROXY_CACHE) },
  ];
}

function product(id: number): Product {
  return {
    product: {
      id,
      name: `A thing that many want, number ${id}`,
      description:
        "Made once a year, in small numbers, by people who know how; sold until there is none left.",
      priceCents: 4_200,
      currency: "EUR",
    },
    stock: { total: 1_000, available: 500, reserved: 100, sold: 400 },
  };
}
