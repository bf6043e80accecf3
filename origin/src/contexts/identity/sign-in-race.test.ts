import assert from "node:assert/strict";
import { once } from "node:events";
import { after, test } from "node:test";
import { pino } from "pino";
import { createTestPlace } from "../../../../cli/src/services/for-tests.ts";
import { runMigrations } from "../../compose.ts";
import { newUuid } from "../../kernel/ids.ts";
import { openDatabase } from "../../platform/mysql/database.ts";
import { connectRedis } from "../../platform/redis/connect.ts";
import { changePassword } from "./application/change-password.ts";
import type { PasswordHasher } from "./application/ports.ts";
import { logIn, register, type SignInDependencies, startSession } from "./application/sign-in.ts";
import { sessionLimits } from "./domain/session.ts";
import { identityErrors } from "./errors.ts";
import { attemptsIn } from "./infrastructure/attempts.ts";
import { createPasswordHasher } from "./infrastructure/passwords.ts";
import { createRefreshTokens } from "./infrastructure/refresh-tokens.ts";
import { sessionsIn } from "./infrastructure/sessions.ts";
import { usersIn } from "./infrastructure/users.ts";

const services = await createTestPlace();
await runMigrations({ MYSQL_URL: services.mysqlUrl });
const database = openDatabase(services.mysqlUrl);
const redis = connectRedis("redis://127.0.0.1:1", "", pino({ level: "silent" }));

after(async () => {
  await redis.close();
  await database.close();
  await services.close();
});

const passwords = createPasswordHasher({ ln: 4, r: 8, p: 1 });
const on: SignInDependencies = {
  users: usersIn(database),
  sessions: sessionsIn(database, newUuid),
  passwords,
  breached: { has: async () => false },
  attempts: attemptsIn(redis),
  // The session's id, so that a test knows it.
  accessTokens: { ttlSeconds: 600, sign: async (_userId, sessionId) => sessionId },
  refreshTokens: createRefreshTokens(() => {
    throw new Error("nothing is refreshed here");
  }),
  announce: async () => {},
  trail: { record: () => {} },
  refreshTokenTtlSeconds: 3_600,
  refreshTokenIdleSeconds: 3_600,
  clock: Date.now,
  newId: newUuid,
};
const client = { address: "192.0.2.1", country: "ZZ", userAgent: "", requestId: "test" };
const old = "correct horse battery staple";
const next = "quite another phrase";
let people = 0;

async function newcomer() {
  people += 1;
  const username = `person-${people}`;
  const { user, accessToken } = await register(on, username, old, client);
  return { username, userId: user.id, sessionId: accessToken, client };
}

/** A hasher that has done its work and holds the answer to its first call of that kind back until it is released. */
function held(kind: "verify" | "hash") {
  const gate = new EventTarget();
  const reached = once(gate, "reached");
  const released = once(gate, "released");
  let first = true;
  const hold = async <T>(answer: T): Promise<T> => {
    if (first) {
      first = false;
      gate.dispatchEvent(new Event("reached"));
      await released;
    }
    return answer;
  };
  const hasher: PasswordHasher = {
    ...passwords,
    ...(kind === "verify"
      ? { verify: async (...given) => hold(await passwords.verify(...given)) }
      : { hash: async (...given) => hold(await passwords.hash(...given)) }),
  };
  return {
    on: { ...on, passwords: hasher },
    reached,
    release: () => gate.dispatchEvent(new Event("released")),
  };
}

const wrong = { definition: identityErrors.invalidCredentials };
const live = async (userId: number) =>
  (
    await database.query<{ id: string }>("SELECT id FROM sessions WHERE user_id = ? AND revoked_at IS NULL", [
      userId,
    ])
  ).map(({ id }) => id);

async function makeOutdated(userId: number) {
  const weaker = await createPasswordHasher({ ln: 3, r: 8, p: 1 }).hash(old);
  await on.users.setPasswordHash(userId, weaker);
}

test("a login with the old password that was on its way when the password changed is a wrong password", async () => {
  const person = await newcomer();
  const slow = held("verify");
  const login = logIn(slow.on, person.username, old, client);
  await slow.reached;
  await changePassword(on, person, old, next);
  slow.release();
  await assert.rejects(login, wrong);
  assert.deepEqual(await live(person.userId), [person.sessionId]);
});

test("a login that hashes the old password anew does not bring it back", async () => {
  const person = await newcomer();
  await makeOutdated(person.userId);
  const slow = held("hash");
  const login = logIn(slow.on, person.username, old, client);
  await slow.reached;
  await changePassword(on, person, old, next);
  slow.release();
  await assert.rejects(login, wrong);
  await assert.rejects(logIn(on, person.username, old, client), wrong);
  await logIn(on, person.username, next, client);
});

test("two logins at once that hash the same password anew both come in", async () => {
  const person = await newcomer();
  await makeOutdated(person.userId);
  const slow = held("hash");
  const login = logIn(slow.on, person.username, old, client);
  await slow.reached;
  await logIn(on, person.username, old, client);
  slow.release();
  await login;
  assert.equal((await live(person.userId)).length, 3);
});

test("of two changes at once in one session the later finds another password", async () => {
  const person = await newcomer();
  const slow = held("verify");
  const change = changePassword(slow.on, person, old, "a third, a stranger's");
  await slow.reached;
  await changePassword(on, person, old, next);
  slow.release();
  await assert.rejects(change, { definition: identityErrors.passwordWrong });
  await logIn(on, person.username, next, client);
});

test("a session that a change ended changes no password any more", async () => {
  const person = await newcomer();
  const stranger = { ...person, sessionId: (await logIn(on, person.username, old, client)).accessToken };
  const slow = held("verify");
  const change = changePassword(slow.on, stranger, old, "a third, a stranger's");
  await slow.reached;
  await changePassword(on, person, old, next);
  slow.release();
  await assert.rejects(change, { definition: identityErrors.sessionRevoked });
  await logIn(on, person.username, next, client);
  assert((await live(person.userId)).includes(person.sessionId));
});

test("a user has so many sessions; one more ends the oldest, also of several at once", async () => {
  const person = await newcomer();
  const start = () => startSession(on, { id: person.userId, username: person.username }, client, "signed_in");
  const second = (await start()).accessToken;
  for (let i = 2; i < sessionLimits.perUserMax; i++) await start();
  assert.equal((await live(person.userId)).length, sessionLimits.perUserMax);
  const latest = await Promise.all([start(), start(), logIn(on, person.username, old, client)]);
  const left = await live(person.userId);
  assert.equal(left.length, sessionLimits.perUserMax);
  for (const { accessToken } of latest) assert(left.includes(accessToken));
  for (const gone of [person.sessionId, second]) assert(!left.includes(gone));
});
