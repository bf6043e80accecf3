import type { LuaHandler } from "lua-gen/nginx/model.ts";

/**
 * What nginx.conf calls by the global name `sluice`, under which `edge/src/phases/init.ts` publishes it, and the
 * module that each is in: so `lua-gen` can tell whether its `@phase` is the one that it is called in.
 */
const MODULES = {
  startWorker: "edge.src.phases.init-worker",
  decideRoute: "edge.src.phases.decide",
  decideUnknown: "edge.src.phases.decide",
  awaitSession: "edge.src.phases.access",
  answerReadiness: "edge.src.phases.content",
  answerNginxError: "edge.src.phases.content",
  servePage: "edge.src.phases.page",
  tellSale: "edge.src.sales.tell",
  tellSales: "edge.src.sales.tell",
  tellTicket: "edge.src.sales.tell",
  handOutChallenge: "edge.src.sales.hand-out",
  buy: "edge.src.sales.buy",
  serveProduct: "edge.src.cache.products",
  serveLikes: "edge.src.cache.likes",
  serveProductList: "edge.src.cache.product-lists",
} as const;

/** With the number of what it is for, where there are several. */
export function call(entry: keyof typeof MODULES, index?: number): LuaHandler {
  return { code: `sluice.${entry}(${index ?? ""})`, calls: [{ module: MODULES[entry], entry }] };
}

/** For `setBy`: the variable gets what the entry says, of the route with that index where there is one. */
export function answerOf(entry: keyof typeof MODULES, route?: number): LuaHandler {
  return { code: `return sluice.${entry}(${route ?? ""})`, calls: [{ module: MODULES[entry], entry }] };
}
