import type { WorkerConfig } from "../../config.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { NewId } from "../../kernel/ids.ts";
import type { HttpServer } from "../../platform/http/server.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Database } from "../../platform/mysql/database.ts";
import { parkedMessagesIn } from "../../platform/rabbit/parked-messages.ts";
import type { RedisStore } from "../../platform/redis/connect.ts";
import type { ProjectedTable } from "../../platform/redis/projected-table.ts";
import { repeat } from "../../platform/repeat.ts";
import type { Allotments } from "../ordering/public.ts";
import { changeSale, createSale } from "./application/administer.ts";
import { changesOf, fairnessOfSale, listSales, pageOfSale, saleFigures } from "./application/browse-sales.ts";
import { createDecideTickets } from "./application/decide-tickets.ts";
import { createSaleKeeper, type SaleKeeper } from "./application/keep-sales.ts";
import { keeperLimits, ticketLimits } from "./application/limits.ts";
import type { Decided, ProductDirectory, SaleKeys } from "./application/ports.ts";
import { resolveTicket } from "./application/resolve-ticket.ts";
import { type Core, type QueueEntry, startCore } from "./application/run-core.ts";
import type { Sale } from "./domain/sale.ts";
import { admissionsIn, outcomeText } from "./infrastructure/admissions.ts";
import { queueOf } from "./infrastructure/queue.ts";
import { saleBookIn } from "./infrastructure/sale-book.ts";
import { newSaleKeys, readTicket } from "./infrastructure/sale-keys.ts";
import { salesTable } from "./infrastructure/sale-projection.ts";
import { addSaleOperatorRoutes } from "./interface/operator-routes.ts";
import { addSaleRoutes } from "./interface/sale-routes.ts";

export { salesAudits } from "./infrastructure/audits.ts";

/** For the relay. */
export const saleTables: readonly ProjectedTable[] = [salesTable];

export interface SalesDependencies {
  readonly config: Pick<WorkerConfig, "redisUrl" | "redisPrefix" | "tokenIssuer">;
  readonly database: Database;
  readonly redis: RedisStore;
  readonly allotments: Allotments;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Sales {
  addRoutes(app: HttpServer): void;
  addOperatorRoutes(app: HttpServer): void;
}

/** What the api does of sales: operators, and what the edge does not know by itself. */
export function createSales(given: SalesDependencies & { readonly products: ProductDirectory }): Sales {
  const { config, allotments, products, clock, logger } = given;
  const { book, admissions, keeper } = partsOf(given);
  const administration = {
    book,
    products,
    allotments,
    newKeys: newSaleKeys,
    announce: (id: number) =>
      keeper.keepOne(id).catch((error: Error) => {
        logger.warn({ saleId: id, err: error.message }, "a sale is left to the keeper");
      }),
  };
  const tickets = {
    ...{ book, admissions, clock, read: readTicket },
    outcomeText: (sale: Sale, keys: SaleKeys, decided: Decided) =>
      outcomeText(sale, keys, decided, config.tokenIssuer),
  };
  return {
    addRoutes: (app) =>
      addSaleRoutes(app, {
        list: (after, limit) => listSales(book, after, limit, clock),
        page: (id) => pageOfSale(book, id, clock),
        ticket: (saleId, userId, ticket) => resolveTicket(tickets, saleId, userId, ticket),
      }),
    addOperatorRoutes: (app) =>
      addSaleOperatorRoutes(app, {
        create: (terms, by) => createSale(administration, terms, { ...by, nowMs: clock() }),
        change: (id, version, change, by) =>
          changeSale(administration, id, version, change, { ...by, nowMs: clock() }),
        list: (after, limit) => book.page(after, limit, true),
        figures: (id) => saleFigures(book, admissions, id),
        changes: (id, before, limit) => changesOf(book, id, before, limit),
        fairness: (id) => fairnessOfSale(book, id),
      }),
  };
}

/** What the worker does of sales: keeps them, and sells. Without Redis it waits. */
export function startSalesWorker(given: SalesDependencies & { readonly newId: NewId }) {
  const { database, allotments, clock, logger } = given;
  const { book, keeper } = partsOf(given);
  const cores = startCores(given);
  const keeping = repeat(
    "keep the sales",
    () => keeperLimits.intervalMs,
    async () => cores.follow((await keeper.keepAll()).map(({ id }) => id)),
    logger,
  );
  const pruning = repeat(
    "forget old sales",
    () => ticketLimits.pruneIntervalMs,
    async () => {
      while ((await book.forgetEnded(clock() - ticketLimits.keptMs, ticketLimits.pruneMax)) > 0);
    },
    logger,
  );
  return {
    close: async () => {
      await Promise.all([keeping.close(), pruning.close()]);
      await cores.close();
    },
  };

  /** One core for each sale that is under way. */
  function startCores({ config, newId }: SalesDependencies & { readonly newId: NewId }) {
    const running = new Map<number, Core>();
    const consumer = newId();
    const parked = parkedMessagesIn(database);
    const { admissions } = partsOf(given);
    const on = {
      ...{ book, admissions, clock, decide: createDecideTickets({ book, allotments, clock }) },
      park: (saleId: number, { id, fields }: QueueEntry, reason: string) =>
        parked.park(
          `sale:${saleId}`,
          { content: Buffer.from(JSON.stringify(fields)), properties: { messageId: id } as never },
          reason,
          clock(),
        ),
      warn: (fields: object, message: string) => logger.warn(fields, message),
    };
    return {
      follow: async (saleIds: readonly number[]) => {
        for (const [id, core] of running) {
          if (saleIds.includes(id)) continue;
          running.delete(id);
          await core.close();
        }
        for (const id of saleIds) {
          if (running.has(id)) continue;
          running.set(id, startCore(id, queueOf(config.redisUrl, config.redisPrefix, id, consumer), on));
        }
      },
      close: async () => {
        await Promise.all([...running.values()].map((core) => core.close()));
      },
    };
  }
}

function partsOf({ config, database, redis, allotments, clock, logger }: SalesDependencies) {
  const book = saleBookIn(database);
  const admissions = admissionsIn(redis, config.tokenIssuer);
  const info = (fields: object, message: string) => logger.info(fields, message);
  const keeper: SaleKeeper = createSaleKeeper({ book, allotments, admissions, clock, info });
  return { book, admissions, keeper };
}
