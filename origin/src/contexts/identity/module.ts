import type { ApiConfig } from "../../config.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { NewId } from "../../kernel/ids.ts";
import type { Authenticators } from "../../platform/http/access.ts";
import type { HttpServer } from "../../platform/http/server.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Database } from "../../platform/mysql/database.ts";
import type { RedisStore } from "../../platform/redis/connect.ts";
import type { ProjectedTable } from "../../platform/redis/projected-table.ts";
import { repeat } from "../../platform/repeat.ts";
import { watchFile } from "../../platform/watched-file.ts";
import { changePassword } from "./application/change-password.ts";
import { logOut, revokeSessions } from "./application/end-sessions.ts";
import { forgetLimits, forgetSessions } from "./application/forget-sessions.ts";
import { refresh } from "./application/refresh.ts";
import { seedUsers } from "./application/seed-users.ts";
import { logIn, register } from "./application/sign-in.ts";
import { jwksOf, signWith, verifyWith } from "./infrastructure/access-tokens.ts";
import { attemptsIn } from "./infrastructure/attempts.ts";
import { createBreachedPasswords } from "./infrastructure/breached-passwords.ts";
import { findOperator, readOperators, readSharedOperator } from "./infrastructure/operator-tokens.ts";
import { createPasswordHasher, type ScryptParameters } from "./infrastructure/passwords.ts";
import { createRefreshTokens } from "./infrastructure/refresh-tokens.ts";
import { announceSessionsTo, sessionsTable } from "./infrastructure/session-projection.ts";
import { sessionsIn } from "./infrastructure/sessions.ts";
import { generateTokenKeys, loadTokenKeys } from "./infrastructure/token-keys.ts";
import { usersIn } from "./infrastructure/users.ts";
import { authenticateOperatorBy, authenticateUserBy } from "./interface/bearer.ts";
import { addIdentityOperatorRoutes } from "./interface/operator-routes.ts";
import { addPasswordRoute } from "./interface/password-route.ts";
import { addIdentityRoutes } from "./interface/routes.ts";

export { identityAudits } from "./infrastructure/audits.ts";
export {
  type ScryptParameters as PasswordCost,
  scryptParameters as passwordCost,
} from "./infrastructure/passwords.ts";

/** For the relay. */
export const identityTables: readonly ProjectedTable[] = [sessionsTable];

export interface IdentityDependencies {
  readonly config: Pick<
    ApiConfig,
    | "tokenPrivateKeyFile"
    | "tokenPublicKeysFile"
    | "tokenIssuer"
    | "tokenAudience"
    | "accessTokenTtlSeconds"
    | "refreshTokenTtlSeconds"
    | "opsTokenFile"
    | "operatorsFile"
    | "passwordRangeUrl"
  >;
  readonly database: Database;
  readonly redis: RedisStore;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly logger: Logger;
  readonly passwordCost: ScryptParameters;
}

export interface Identity {
  readonly authenticateUser: NonNullable<Authenticators["user"]>;
  readonly authenticateOperator: NonNullable<Authenticators["operator"]>;
  addRoutes(app: HttpServer): void;
  addOperatorRoutes(app: HttpServer): void;
  close(): Promise<void>;
}

export async function createIdentity(given: IdentityDependencies): Promise<Identity> {
  const { config, database, redis, clock, newId, logger, passwordCost } = given;
  const keys = await loadTokenKeys(config.tokenPrivateKeyFile, config.tokenPublicKeysFile);
  const settings = {
    issuer: config.tokenIssuer,
    audience: config.tokenAudience,
    ttlSeconds: config.accessTokenTtlSeconds,
  };
  const jwks = await jwksOf(keys);
  const shared = await readSharedOperator(config.opsTokenFile);
  const named =
    config.operatorsFile === "" ? undefined : await watchFile(config.operatorsFile, readOperators, logger);
  const operators = () => [shared, ...(named?.current() ?? [])];
  const on = {
    users: usersIn(database),
    sessions: sessionsIn(database),
    passwords: createPasswordHasher(passwordCost),
    breached: createBreachedPasswords(config.passwordRangeUrl),
    attempts: attemptsIn(redis),
    accessTokens: signWith(keys, settings),
    refreshTokens: createRefreshTokens(keys.privateKey),
    announce: announceSessionsTo(redis),
    refreshTokenTtlSeconds: config.refreshTokenTtlSeconds,
    clock,
    newId,
  };
  return {
    authenticateUser: authenticateUserBy(verifyWith(keys, settings, clock)),
    authenticateOperator: authenticateOperatorBy((token) => findOperator(operators(), token)),
    addRoutes: (app) => {
      addPasswordRoute(app, (changer, current, next) => changePassword(on, changer, current, next));
      addIdentityRoutes(
        app,
        {
          register: (username, password, caller) => register(on, username, password, caller),
          logIn: (username, password, caller) => logIn(on, username, password, caller),
          refresh: (token) => refresh(on, token),
          logOut: (token) => logOut(on, token),
        },
        jwks,
      );
    },
    addOperatorRoutes: (app) => addIdentityOperatorRoutes(app, (whose) => revokeSessions(on, whose)),
    close: async () => named?.close(),
  };
}

export interface IdentityWorker {
  close(): Promise<void>;
}

/** What the worker does of identity. */
export function startIdentityWorker({
  database,
  clock,
  logger,
}: Pick<IdentityDependencies, "database" | "clock"> & { readonly logger: Logger }): IdentityWorker {
  const sessions = sessionsIn(database);
  return repeat(
    "forget old sessions",
    () => forgetLimits.intervalMs,
    async () => void (await forgetSessions(sessions, clock)),
    logger,
  );
}

/** Adds the demo users that are missing and gives them all this password; returns how many were added. */
export function seedDemoUsers(
  { database, clock }: Pick<IdentityDependencies, "database" | "clock">,
  password: string,
): Promise<number> {
  return seedUsers({ users: usersIn(database), passwords: createPasswordHasher(), clock }, password);
}

/** Makes the key files that are missing in the folder, and says what it did. */
export function makeTokenKeys(directory: string): Promise<string> {
  return generateTokenKeys(directory);
}
