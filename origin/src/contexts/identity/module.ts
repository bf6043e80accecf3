import { join } from "node:path";
import type { ChannelModel } from "amqplib";
import type { ApiConfig, WorkerConfig } from "../../config.ts";
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
import { endOtherSessions, endOwnSession, logOut, revokeSessions } from "./application/end-sessions.ts";
import { forgetLimits, forgetSessions, forgetTrail } from "./application/forget-sessions.ts";
import { signInWays, unlinkIdentity, whoIs } from "./application/linked-identities.ts";
import { listOwnSessions } from "./application/list-sessions.ts";
import { finishOauth, type OauthDependencies, startOauth } from "./application/oauth.ts";
import { refresh } from "./application/refresh.ts";
import { rotateKeys, rotateKeysWhenDue, rotationLookMs } from "./application/rotate-keys.ts";
import { seedUsers } from "./application/seed-users.ts";
import { logIn, register, startSession } from "./application/sign-in.ts";
import { spareTrail } from "./application/spare-trail.ts";
import { type Trail, trailLimits } from "./application/trail.ts";
import { jwksOf, signWith, verifyWith } from "./infrastructure/access-tokens.ts";
import { declareAlerts } from "./infrastructure/alerts.ts";
import { attemptsIn } from "./infrastructure/attempts.ts";
import { createBreachedPasswords } from "./infrastructure/breached-passwords.ts";
import { identitiesIn } from "./infrastructure/identities.ts";
import { keyStoreOn } from "./infrastructure/key-store.ts";
import { attemptTtlSeconds, oauthAttempts } from "./infrastructure/oauth-attempts.ts";
import { findOperator, readOperators, readSharedOperator } from "./infrastructure/operator-tokens.ts";
import { createPasswordHasher, type ScryptParameters } from "./infrastructure/passwords.ts";
import { readProviders } from "./infrastructure/providers-file.ts";
import { createRefreshTokens } from "./infrastructure/refresh-tokens.ts";
import { makeTokenKeys as makeMissingKeys } from "./infrastructure/rotate-token-keys.ts";
import { announceSessionsTo, sessionEndedBy, sessionsTable } from "./infrastructure/session-projection.ts";
import { sessionsIn } from "./infrastructure/sessions.ts";
import { keysForDerivation, openTokenKeys, type TokenKeys } from "./infrastructure/token-keys.ts";
import { trailIn, writeTrail } from "./infrastructure/trail.ts";
import { usersIn } from "./infrastructure/users.ts";
import { authenticateUserBy } from "./interface/authenticate-user.ts";
import { authenticateOperatorBy } from "./interface/bearer.ts";
import { refuseOtherSitesThan } from "./interface/cookies.ts";
import { addLinkedIdentityRoutes } from "./interface/identity-routes.ts";
import { addKeyRoutes } from "./interface/key-routes.ts";
import { addOauthRoutes } from "./interface/oauth-routes.ts";
import { addIdentityOperatorRoutes } from "./interface/operator-routes.ts";
import { addPasswordRoute } from "./interface/password-route.ts";
import { addIdentityRoutes } from "./interface/routes.ts";
import { addSessionRoutes } from "./interface/session-routes.ts";

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
    | "tokenKeyRotationSeconds"
    | "accessTokenTtlSeconds"
    | "refreshTokenTtlSeconds"
    | "refreshTokenIdleSeconds"
    | "opsTokenFile"
    | "operatorsFile"
    | "passwordRangeUrl"
    | "identityProvidersFile"
    | "publicUrl"
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
  /** Whether a session was ended before its time; false while Redis, which knows, is away. */
  sessionEnded(sessionId: string): Promise<boolean>;
  readonly authenticateOperator: NonNullable<Authenticators["operator"]>;
  addRoutes(app: HttpServer): void;
  addOperatorRoutes(app: HttpServer): void;
  close(): Promise<void>;
}

export async function createIdentity(given: IdentityDependencies): Promise<Identity> {
  const { config, database, redis, clock, newId, logger, passwordCost } = given;
  const keyFiles = {
    privateKeysFile: config.tokenPrivateKeyFile,
    publicKeysFile: config.tokenPublicKeysFile,
  };
  const keys = await openTokenKeys(keyFiles, clock, logger);
  const settings = {
    issuer: config.tokenIssuer,
    audience: config.tokenAudience,
    ttlSeconds: config.accessTokenTtlSeconds,
  };
  const shared = await readSharedOperator(config.opsTokenFile);
  const named =
    config.operatorsFile === "" ? undefined : await watchFile(config.operatorsFile, readOperators, logger);
  const operators = () => [shared, ...(named?.current() ?? [])];
  const written = writeTrail(database, clock, logger);
  const trail = spareTrail(written, clock);
  const refuseOtherSites = refuseOtherSitesThan(config.publicUrl, trail.record);
  const on = {
    users: usersIn(database),
    sessions: sessionsIn(database, newId),
    passwords: createPasswordHasher(passwordCost),
    breached: createBreachedPasswords(config.passwordRangeUrl),
    attempts: attemptsIn(redis),
    accessTokens: signWith(keys, settings),
    refreshTokens: createRefreshTokens(() => keysForDerivation(keys)),
    announce: announceSessionsTo(redis),
    trail,
    refreshTokenTtlSeconds: config.refreshTokenTtlSeconds,
    refreshTokenIdleSeconds: config.refreshTokenIdleSeconds,
    clock,
    newId,
  };
  const store = keyStoreOn(keyFiles, keys, config.accessTokenTtlSeconds, clock);
  const rotating = { keys: store, trail, clock };
  const schedule = rotateOnSchedule(rotating, config.tokenKeyRotationSeconds, logger);
  const oauth = await createOauth(given, keys, trail, (...started) => startSession(on, ...started));
  return {
    authenticateUser: authenticateUserBy(verifyWith(keys, settings, clock), refuseOtherSites),
    authenticateOperator: authenticateOperatorBy((token) => findOperator(operators(), token), trail.record),
    sessionEnded: sessionEndedBy(redis),
    addRoutes: (app) => {
      addPasswordRoute(app, (changer, current, next) => changePassword(on, changer, current, next));
      addIdentityRoutes(
        app,
        {
          register: (username, password, client) => register(on, username, password, client),
          logIn: (username, password, client) => logIn(on, username, password, client),
          refresh: (token, client) => refresh(on, token, client),
          logOut: (token, client) => logOut(on, token, client),
        },
        { ...config, refuseOtherSites },
        () => jwksOf(keys),
      );
      addSessionRoutes(app, {
        list: (user) => listOwnSessions(on, user),
        endOne: (user, sessionId, client) => endOwnSession(on, user, sessionId, client),
        endOthers: (user, client) => endOtherSessions(on, user, client),
      });
      oauth.addRoutes(app);
    },
    addOperatorRoutes: (app) => {
      addIdentityOperatorRoutes(app, {
        revoke: (whose, operator, client) => revokeSessions(on, whose, operator, client),
        trail: trailIn(database).page,
      });
      addKeyRoutes(app, {
        list: store.schedule,
        rotate: (dropOld, operator, client) => rotateKeys(rotating, dropOld, operator, client),
      });
    },
    close: async () => {
      await schedule?.close();
      await keys.close();
      await named?.close();
      await oauth.close();
      await written.close();
    },
  };
}

/** 0: by command only. */
function rotateOnSchedule(
  rotating: Parameters<typeof rotateKeysWhenDue>[0],
  everySeconds: number,
  logger: Logger,
) {
  if (everySeconds === 0) return undefined;
  return repeat(
    "rotate the keys",
    () => Math.min(rotationLookMs, everySeconds * 250),
    () => rotateKeysWhenDue(rotating, everySeconds),
    logger,
  );
}

/** Sign-in at providers; the file that lists them may be replaced while this runs. */
async function createOauth(
  { config, database, redis, clock, newId, logger }: IdentityDependencies,
  keys: TokenKeys,
  trail: Trail,
  startSession: OauthDependencies["startSession"],
) {
  const { identityProvidersFile: path, publicUrl } = config;
  const read = (file: string) => readProviders(file, { publicUrl, now: clock });
  const listed = path === "" ? undefined : await watchFile(path, read, logger);
  const identities = identitiesIn(database);
  const on: OauthDependencies = {
    providers: () => listed?.current() ?? [],
    attempts: oauthAttempts(() => keysForDerivation(keys), redis),
    identities,
    startSession,
    trail,
    newSuffix: () => newId().slice(-8),
    warn: (fields, message) => logger.warn(fields, message),
    clock,
  };
  const users = usersIn(database);
  return {
    addRoutes: (app: HttpServer) => {
      addOauthRoutes(
        app,
        {
          providers: on.providers,
          start: (given) => startOauth(on, given),
          finish: (callback) => finishOauth(on, callback),
        },
        { ...config, attemptTtlSeconds },
      );
      addLinkedIdentityRoutes(app, {
        whoIs: (userId) => whoIs(users, userId),
        waysOf: (userId) => signInWays({ users, identities }, userId),
        unlink: (user, identityId, client) => unlinkIdentity({ identities, trail }, user, identityId, client),
      });
    },
    close: async () => listed?.close(),
  };
}

export interface IdentityWorker {
  /** For the worker's connection to RabbitMQ, after each connect. */
  onRabbitConnect(model: ChannelModel): Promise<void>;
  close(): Promise<void>;
}

/** What the worker does of identity: forgets what is long over. */
export function startIdentityWorker({
  config,
  database,
  clock,
  newId,
  logger,
}: Pick<IdentityDependencies, "database" | "clock" | "newId" | "logger"> & {
  readonly config: Pick<WorkerConfig, "trailKeptSeconds">;
}): IdentityWorker {
  const sessions = sessionsIn(database, newId);
  const trail = trailIn(database);
  const repeated = [
    repeat(
      "forget old sessions",
      () => forgetLimits.intervalMs,
      async () => void (await forgetSessions(sessions, clock)),
      logger,
    ),
    repeat(
      "forget the old trail",
      () => trailLimits.forgetIntervalMs,
      () => forgetTrail(trail, config.trailKeptSeconds, clock),
      logger,
    ),
  ];
  return {
    onRabbitConnect: declareAlerts,
    close: async () => void (await Promise.all(repeated.map((one) => one.close()))),
  };
}

/** Adds the demo users that are missing and gives them all this password; returns how many were added. */
export function seedDemoUsers(
  { database, clock }: Pick<IdentityDependencies, "database" | "clock">,
  password: string,
): Promise<number> {
  return seedUsers({ users: usersIn(database), passwords: createPasswordHasher(), clock }, password);
}

/** Makes the key files that are missing, and says what it did. */
export function makeTokenKeys(
  directory: string,
  publicKeysFile: string | undefined,
  clock: Clock,
): Promise<string> {
  const files = {
    privateKeysFile: join(directory, "token-private.pem"),
    publicKeysFile: publicKeysFile ?? join(directory, "token-keys.json"),
  };
  return makeMissingKeys(files, Math.floor(clock() / 1_000));
}
