import { fileURLToPath } from "node:url";
import { type ApiConfig, readConfig } from "./config.ts";
import { createAccessPolicy } from "./contexts/access-policy/module.ts";
import { createIdentity, makeTokenKeys } from "./contexts/identity/module.ts";
import { errorCatalogue } from "./error-catalogue.ts";
import { type Clock, systemClock } from "./kernel/clock.ts";
import { type NewId, newUuid } from "./kernel/ids.ts";
import { closeHttpServer, createHttpServer, listen } from "./platform/http/create-server.ts";
import { createLogger } from "./platform/logger.ts";
import { openDatabase } from "./platform/mysql/database.ts";
import { type Migrated, migrate } from "./platform/mysql/migrate.ts";
import { connectRabbit } from "./platform/rabbit/connect.ts";
import { connectRedis } from "./platform/redis/connect.ts";

/** Which parts make which process, and in what order they stop: what is opened last is closed first. */

/** What a process takes from its surroundings and a test gives by hand. */
export interface Ambient {
  readonly clock: Clock;
  readonly newId: NewId;
  readonly logTo: NodeJS.WritableStream;
}

const production: Ambient = { clock: systemClock, newId: newUuid, logTo: process.stdout };

export async function startApi(env: NodeJS.ProcessEnv) {
  return composeApi(readConfig("api", env));
}

export async function composeApi(config: ApiConfig, ambient: Partial<Ambient> = {}) {
  const { clock, newId, logTo } = { ...production, ...ambient };
  const logger = createLogger("api", config.logLevel, logTo);

  const database = openDatabase(config.mysqlUrl);
  const redis = connectRedis(config.redisUrl, config.redisPrefix, logger);
  const rabbit = await connectRabbit({ url: config.rabbitmqUrl, logger });

  const identity = await createIdentity({ config, database, redis, clock, newId });
  const accessPolicy = await createAccessPolicy({ config, database, clock });

  let stopping = false;
  const dependencies = {
    required: { mysql: database.ping },
    helpful: { redis: redis.isUp, rabbitmq: rabbit.isUp },
    isStopping: () => stopping,
  };

  const api = await createHttpServer({
    title: "Sluice",
    logger: logger.child({ listener: "api" }),
    authenticators: { user: identity.authenticateUser },
    dependencies,
    errorCatalogue: errorCatalogue(),
  });
  identity.addRoutes(api);

  const ops = await createHttpServer({
    title: "Sluice for operators",
    logger: logger.child({ listener: "ops" }),
    authenticators: { operator: identity.authenticateOperator },
    dependencies,
    errorCatalogue: errorCatalogue(),
  });
  identity.addOperatorRoutes(ops);
  accessPolicy.addOperatorRoutes(ops);

  const apiPort = await listen(api, config.apiHost, config.apiPort);
  const opsPort = await listen(ops, config.opsHost, config.opsPort);
  logger.info({ apiPort, opsPort }, "api is listening");

  return {
    apiPort,
    opsPort,
    close: async () => {
      stopping = true;
      await Promise.all([closeHttpServer(api), closeHttpServer(ops)]);
      await rabbit.close();
      await redis.close();
      await database.close();
      logger.info("api has stopped");
    },
  };
}

export async function runMigrations(env: NodeJS.ProcessEnv): Promise<Migrated> {
  return migrate(
    readConfig("migrate", env).mysqlUrl,
    fileURLToPath(new URL("../migrations", import.meta.url)),
  );
}

export async function makeKeys(directory: string): Promise<string> {
  return makeTokenKeys(directory);
}
