import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type ApiConfig, type RelayConfig, readConfig, type WorkerConfig } from "./config.ts";
import {
  accessPolicyAudits,
  accessPolicyTables,
  createAccessPolicy,
  startAccessPolicyWorker,
} from "./contexts/access-policy/module.ts";
import { catalogAudits, createCatalog, productsTable } from "./contexts/catalog/module.ts";
import {
  createIdentity,
  identityAudits,
  identityTables,
  makeTokenKeys,
  type PasswordCost,
  passwordCost,
  seedDemoUsers,
  startIdentityWorker,
} from "./contexts/identity/module.ts";
import { createLikes, likesAudits, likesTables } from "./contexts/likes/module.ts";
import {
  createAllotments,
  createOrdering,
  createStockOf,
  type OrderTrace,
  orderingAudits,
  orderingTables,
  startOrderingWorker,
  traceOrder,
} from "./contexts/ordering/module.ts";
import { createSales, salesAudits, saleTables, startSalesWorker } from "./contexts/sales/module.ts";
import { errorCatalogue } from "./error-catalogue.ts";
import { type Clock, systemClock } from "./kernel/clock.ts";
import { type NewId, newUuid } from "./kernel/ids.ts";
import { type AuditResult, runAudits } from "./platform/audit.ts";
import { declaredRoutes } from "./platform/http/authenticate.ts";
import { closeHttpServer, createHttpServer, listen } from "./platform/http/create-server.ts";
import { addMetricsRoute } from "./platform/http/metrics-route.ts";
import { httpLimits } from "./platform/http/server.ts";
import { createLogger, type LogDestination, standardOutput } from "./platform/logger.ts";
import { auditDatabaseLimits, openDatabase } from "./platform/mysql/database.ts";
import { type Migrated, migrate } from "./platform/mysql/migrate.ts";
import { outboxAudits } from "./platform/outbox/audits.ts";
import { pruneOutbox } from "./platform/outbox/prune.ts";
import { connectRabbit } from "./platform/rabbit/connect.ts";
import { parkedMessagesIn } from "./platform/rabbit/parked-messages.ts";
import { readinessIn } from "./platform/readiness.ts";
import { auditProjections } from "./platform/redis/audit-projections.ts";
import { connectRedis } from "./platform/redis/connect.ts";
import { createRelay, relayMetrics, requestRebuild, UnknownProjection } from "./relay/module.ts";
import { withRedis } from "./relay-tasks.ts";

/** Which parts make which process, and in what order they stop: what is opened last is closed first. */

/** What a process takes from its surroundings and a test gives by hand. */
export interface Ambient {
  readonly clock: Clock;
  readonly newId: NewId;
  readonly logTo: LogDestination;
  readonly passwordCost: PasswordCost;
}

const production: Ambient = {
  clock: systemClock,
  newId: newUuid,
  logTo: standardOutput(),
  passwordCost,
};

/** What the relay keeps in Redis. */
const projectedTables = [
  productsTable,
  ...orderingTables,
  ...likesTables,
  ...identityTables,
  ...accessPolicyTables,
  ...saleTables,
];

export async function startApi(env: NodeJS.ProcessEnv) {
  return composeApi(readConfig("api", env));
}

/** Has no connection to RabbitMQ: what it has to say goes through the outbox. */
export async function composeApi(config: ApiConfig, ambient: Partial<Ambient> = {}) {
  const { clock, newId, logTo, passwordCost } = { ...production, ...ambient };
  const logger = createLogger("api", config.logLevel, logTo);

  const database = openDatabase(config.mysqlUrl);
  const redis = connectRedis(config.redisUrl, config.redisPrefix, logger);

  const identity = await createIdentity({ config, database, redis, clock, newId, logger, passwordCost });
  const accessPolicy = await createAccessPolicy({ config, database, redis, clock, logger });
  const catalog = createCatalog({ database, stock: createStockOf({ database, clock }), clock });
  const likes = createLikes({ database, redis, products: catalog, clock });
  const { sessionEnded } = identity;
  const ordering = createOrdering({
    config,
    database,
    products: catalog,
    sessionEnded,
    clock,
    newId,
    logger,
  });
  const allotments = createAllotments({ config, newId });
  const sales = createSales({ config, database, redis, allotments, products: catalog, clock, logger });

  let stopping = false;
  const dependencies = {
    required: { mysql: database.ping },
    helpful: { redis: redis.isUp },
    isStopping: () => stopping,
  };

  const api = await createHttpServer({
    title: "Sluice",
    logger: logger.child({ listener: "api" }),
    authenticators: { user: identity.authenticateUser },
    requestTimeoutMs: httpLimits.requestTimeoutMs,
    dependencies,
    errorCatalogue: errorCatalogue(),
  });
  identity.addRoutes(api);
  catalog.addRoutes(api);
  likes.addRoutes(api);
  ordering.addRoutes(api);
  sales.addRoutes(api);

  const ops = await createHttpServer({
    title: "Sluice for operators",
    logger: logger.child({ listener: "ops" }),
    authenticators: { operator: identity.authenticateOperator },
    requestTimeoutMs: httpLimits.bulkRequestTimeoutMs,
    dependencies,
    errorCatalogue: errorCatalogue(),
  });
  identity.addOperatorRoutes(ops);
  accessPolicy.addOperatorRoutes(ops);
  catalog.addOperatorRoutes(ops);
  ordering.addOperatorRoutes(ops);
  sales.addOperatorRoutes(ops);
  addMetricsRoute(ops, [...accessPolicy.metrics, relayMetrics(redis)]);

  const apiPort = await listen(api, config.apiHost, config.apiPort);
  const opsPort = await listen(ops, config.opsHost, config.opsPort);
  logger.info({ apiPort, opsPort }, "api is listening");

  return {
    apiPort,
    opsPort,
    routes: { api: declaredRoutes(api), ops: declaredRoutes(ops) },
    close: async () => {
      stopping = true;
      await Promise.all([closeHttpServer(api), closeHttpServer(ops)]);
      await ordering.close();
      await accessPolicy.close();
      await identity.close();
      await redis.close();
      await database.close();
      logger.info("api has stopped");
    },
  };
}

export async function startRelay(env: NodeJS.ProcessEnv) {
  return composeRelay(readConfig("relay", env));
}

export async function composeRelay(config: RelayConfig, ambient: Partial<Ambient> = {}) {
  const { clock, newId, logTo } = { ...production, ...ambient };
  const logger = createLogger("relay", config.logLevel, logTo);
  const database = openDatabase(config.mysqlUrl);
  const redis = connectRedis(config.redisUrl, config.redisPrefix, logger);
  const readiness = readinessIn(config.readyFile);
  const relay = await createRelay({
    config,
    database,
    redis,
    tables: projectedTables,
    clock,
    newId,
    random: Math.random,
    logger,
    onReady: readiness.say,
  });
  return {
    close: async () => {
      readiness.close();
      await relay.close();
      await redis.close();
      await database.close();
      logger.info("relay has stopped");
    },
  };
}

export async function startWorker(env: NodeJS.ProcessEnv) {
  return composeWorker(readConfig("worker", env));
}

/** Starts whether the broker is there or not: the sweepers don't need it. */
export async function composeWorker(config: WorkerConfig, ambient: Partial<Ambient> = {}) {
  const { clock, newId, logTo } = { ...production, ...ambient };
  const logger = createLogger("worker", config.logLevel, logTo);
  const readiness = readinessIn(config.readyFile);
  const database = openDatabase(config.mysqlUrl);
  const redis = connectRedis(config.redisUrl, config.redisPrefix, logger);
  const identity = startIdentityWorker({ config, database, clock, newId, logger });
  const accessPolicy = startAccessPolicyWorker({ database, redis, clock, logger });
  const ordering = startOrderingWorker({ config, database, clock, newId, logger });
  const allotments = createAllotments({ config, newId });
  const sales = startSalesWorker({ config, database, redis, allotments, clock, newId, logger });
  const pruning = pruneOutbox(database, clock, logger);
  const rabbit = await connectRabbit({
    url: config.rabbitmqUrl,
    logger,
    onConnect: async (model) => {
      await identity.onRabbitConnect(model);
      await ordering.onRabbitConnect(model);
    },
  });
  logger.info("ready");
  readiness.say();
  return {
    close: async () => {
      readiness.close();
      await sales.close();
      await ordering.close();
      await accessPolicy.close();
      await identity.close();
      await pruning.close();
      await rabbit.close();
      await redis.close();
      await database.close();
      logger.info("worker has stopped");
    },
  };
}

/** Demo users and products; what is there already stays. */
export async function seed(env: NodeJS.ProcessEnv): Promise<{ users: number; products: number }> {
  const config = readConfig("seed", env);
  const password = (await readFile(config.demoPasswordFile, "utf8")).trim();
  const database = openDatabase(config.mysqlUrl);
  const clock = systemClock;
  try {
    const catalog = createCatalog({ database, stock: createStockOf({ database, clock }), clock });
    return { users: await seedDemoUsers({ database, clock }, password), products: await catalog.seed() };
  } finally {
    await database.close();
  }
}

/** Every invariant of the data, checked on the live system. */
export async function audit(env: NodeJS.ProcessEnv): Promise<AuditResult[]> {
  const config = readConfig("audit", env);
  const logger = createLogger("audit", config.logLevel, process.stderr);
  const clock = systemClock;
  const database = openDatabase(config.mysqlUrl, auditDatabaseLimits);
  const redis = connectRedis(config.redisUrl, config.redisPrefix, logger);
  const audits = [
    ...identityAudits,
    ...accessPolicyAudits,
    ...catalogAudits,
    ...likesAudits,
    ...orderingAudits,
    ...salesAudits,
    ...outboxAudits,
  ];
  try {
    const inDatabase = await runAudits(database, audits);
    return [...inDatabase, ...(await auditProjections({ database, redis, clock }, projectedTables))];
  } finally {
    await redis.close();
    await database.close();
  }
}

/** What is written down about one order; undefined when there is none. */
export async function trace(env: NodeJS.ProcessEnv, orderId: string): Promise<OrderTrace | undefined> {
  const database = openDatabase(readConfig("inspect", env).mysqlUrl);
  try {
    return await traceOrder(database, orderId);
  } finally {
    await database.close();
  }
}

export function openParked(env: NodeJS.ProcessEnv) {
  const database = openDatabase(readConfig("inspect", env).mysqlUrl);
  return { parked: parkedMessagesIn(database), close: () => database.close() };
}

/** Of one table or of all. True when a relay has begun, false when the request waits for one. */
export async function rebuildProjections(
  env: NodeJS.ProcessEnv,
  table: string | undefined,
  fromScratch: boolean,
): Promise<boolean> {
  const known = projectedTables.map((projected) => projected.table);
  if (table !== undefined && !known.includes(table)) throw new UnknownProjection(table, known);
  const projections = table === undefined ? null : [table];
  return withRedis(env, (redis) => requestRebuild(redis, { projections, fromScratch }));
}

export async function runMigrations(env: NodeJS.ProcessEnv): Promise<Migrated> {
  return migrate(
    readConfig("migrate", env).mysqlUrl,
    fileURLToPath(new URL("../migrations", import.meta.url)),
  );
}

export async function makeKeys(
  directory: string,
  publicKeysFile?: string,
  clock: Clock = systemClock,
): Promise<string> {
  return makeTokenKeys(directory, publicKeysFile, clock);
}
