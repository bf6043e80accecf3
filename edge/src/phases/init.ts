import { decode } from "cjson.safe";
import { configureLikes, serveLikes } from "../cache/likes.ts";
import { configureProductLists, serveProductList } from "../cache/product-lists.ts";
import { configureProducts, serveProduct } from "../cache/products.ts";
import { loadGeoData } from "../geo/geo-data.ts";
import { createLimitTimes } from "../limits/limit-times.ts";
import { readFile } from "../platform/files.ts";
import { logError } from "../platform/log.ts";
import { configureRedis } from "../platform/redis.ts";
import { admitLongTraces, publish } from "../platform/worker.ts";
import { configureAdmissions } from "../sales/admission-line.ts";
import { buy, configureSales } from "../sales/buy.ts";
import { handOutChallenge } from "../sales/hand-out.ts";
import { configureTelling, tellSale, tellSales, tellTicket } from "../sales/tell.ts";
import type { EdgeSettings, PageSettings, RouteSettings } from "../settings.ts";
import { createFailureTimes } from "../token/flood.ts";
import { configureSessions } from "../token/sessions.ts";
import { configureVerification } from "../token/verify.ts";
import { awaitSession, configureAccess } from "./access.ts";
import { answerNginxError, answerReadiness } from "./content.ts";
import { decideRoute, decideUnknown } from "./decide.ts";
import { startWorker } from "./init-worker.ts";
import { servePage } from "./page.ts";

/**
 * Runs in the master, before workers are forked: reads the settings and what all workers share. `nginx.conf`
 * calls the entry points by the global name `sluice`.
 *
 * @phase init
 */
export function init(settingsFile: string): void {
  const [text, readError] = readFile(settingsFile);
  if (text === undefined) error(`settings: ${readError}`);
  const [parsed, parseError] = decode(text);
  if (parseError !== undefined) error(`settings: ${settingsFile}: ${parseError}`);
  const settings = parsed as EdgeSettings;
  admitLongTraces();
  configureRedis(settings.redis);
  configureAccess(settings.publicUrl);
  configureVerification(settings.tokenIssuer, settings.tokenAudience);
  configureSessions(settings.redisPrefix, settings.sessionGraceSeconds);
  createLimitTimes(settings.limitKeysMax);
  createFailureTimes();
  configureProducts(settings.redisPrefix);
  configureProductLists(settings.redisPrefix);
  configureLikes(settings.redisPrefix);
  configureAdmissions(settings.saleScript);
  configureSales(settings.redisPrefix);
  configureTelling(settings.redisPrefix);
  const geoFailure = loadGeoData(settings.geoDir);
  if (geoFailure !== undefined) logError(`geo data: ${geoFailure}`);

  const routes = settings.routes;
  publish("sluice", {
    set: {
      decideRoute: (index: number) => decideRoute(routes[index] as RouteSettings),
      decideUnknown,
    },
    others: {
      startWorker: () => startWorker(settings),
      awaitSession,
      tellSale,
      tellSales,
      tellTicket,
      handOutChallenge,
      buy,
      serveProduct,
      serveProductList,
      servePage: (index: number) =>
        servePage(settings.pages[index] as PageSettings, settings.pageSecurityPolicy),
      serveLikes,
      answerReadiness,
      answerNginxError,
    },
  });
}
