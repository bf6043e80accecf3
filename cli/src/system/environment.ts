/**
 * Translates the launcher's ports, folders and secrets into what the processes read. Variables that the user
 * set pass through (ORDER_TTL_SECONDS, LOG_LEVEL, EDGE_WORKERS, …); addresses of private parts are ours.
 */
import { join } from "node:path";
import type { Home } from "../process/home.ts";
import { LOOPBACK } from "../process/ports.ts";
import { mysqlUrl } from "../services/mariadb.ts";
import { rabbitmqUrl } from "../services/rabbitmq.ts";
import { redisUrl } from "../services/redis.ts";
import type { Settings } from "../settings.ts";
import type { Secrets } from "./secrets.ts";

export function originEnvironment(settings: Settings, secrets: Secrets, home: Home): Record<string, string> {
  const { ports } = settings;
  const via = { ...ports, ...settings.viaPorts };
  return {
    MYSQL_URL: mysqlUrl(via.mysql, secrets.mysqlPassword),
    REDIS_URL: redisUrl(via.redis, secrets.redisPassword),
    RABBITMQ_URL: rabbitmqUrl(via.rabbitmq, secrets.rabbitmqPassword),
    API_HOST: LOOPBACK,
    API_PORT: String(ports.api),
    OPS_HOST: LOOPBACK,
    OPS_PORT: String(ports.ops),
    OPS_TOKEN_FILE: secrets.opsTokenFile,
    TOKEN_PRIVATE_KEY_FILE: secrets.tokenPrivateKeyFile,
    TOKEN_PUBLIC_KEYS_FILE: secrets.tokenPublicKeysFile,
    PAYMENTS_HOST: LOOPBACK,
    PAYMENTS_PORT: String(ports.payments),
    PAYMENTS_STATE_FILE: join(home.data, "payments", "charges.jsonl"),
    PAYMENTS_URL: `http://${LOOPBACK}:${ports.payments}`,
    PAYMENTS_SECRET_FILE: secrets.paymentsSecretFile,
    PAYMENTS_CALLBACK_URL: `http://${LOOPBACK}:${ports.edge}/payments/callback/sandbox`,
    GEOIP_COUNTRY_DB: settings.geoipCountryDb,
    GEOIP_ASN_DB: settings.geoipAsnDb,
    PUBLIC_URL: `http://${LOOPBACK}:${ports.edge}`,
    DEMO_PASSWORD_FILE: secrets.demoPasswordFile,
  };
}

export function edgeEnvironment(settings: Settings, secrets: Secrets, home: Home): Record<string, string> {
  const { ports } = settings;
  const via = { ...ports, ...settings.viaPorts };
  return {
    EDGE_HOST: LOOPBACK,
    EDGE_PORT: String(ports.edge),
    EDGE_PUBLIC_URL: `http://${LOOPBACK}:${ports.edge}`,
    EDGE_ORIGINS: `${LOOPBACK}:${via.api}`,
    EDGE_REDIS: `${LOOPBACK}:${via.redis}/${secrets.redisPassword}`,
    EDGE_TOKEN_KEYS_FILE: secrets.tokenPublicKeysFile,
    EDGE_GEO_DIR: geoFolder(home),
    EDGE_STATE_DIR: join(home.data, "edge"),
    EDGE_LOG_DIR: home.logs,
    EDGE_RUN_DIR: home.run,
    EDGE_LUA_DIR: join(settings.checkout, "edge/dist"),
  };
}

export function geoFolder(home: Home): string {
  return join(home.data, "geo");
}
