import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
  type TestServices,
} from "../../../cli/src/services/for-tests.ts";
import { openFixture, type RelayFixture, until } from "./relay-fixture.ts";

let services: TestServices;
let rabbitmqUrl: string;
const closing: (() => Promise<void>)[] = [];

before(async () => {
  services = await startTestServices();
  const vhost = await createTestVhost(services);
  rabbitmqUrl = vhost.url;
  closing.push(vhost.close, services.close);
});

after(async () => {
  for (const close of closing) await close();
});

async function fixture(): Promise<RelayFixture & AsyncDisposable> {
  const database = await createTestDatabase(services);
  const prefix = await createTestRedisPrefix(services);
  const opened = await openFixture({
    mysqlUrl: database.url,
    redisUrl: prefix.url,
    redisPrefix: prefix.prefix,
    rabbitmqUrl,
  });
  return {
    ...opened,
    [Symbol.asyncDispose]: async () => {
      await opened.close();
      await prefix.close();
      await database.close();
    },
  };
}

const isReady = ({ log }: RelayFixture, times = 1) =>
  log.filter(({ msg }) => msg === "ready").length >= times;

test("what was there before and what changes after reach Redis with their versions", async () => {
  await using f = await fixture();
  await f.sql.query("INSERT INTO things (name) VALUES ('tea'), ('cup')");
  await f.startRelay();
  await until("ready", () => isReady(f));
  assert.deepEqual(await f.projected(2), { version: "1", document: { id: 2, name: "cup" } });

  await f.sql.query("UPDATE things SET name = 'große Tasse', version = version + 1 WHERE id = 2");
  await f.sql.query("INSERT INTO things (name) VALUES ('pot')");
  await until("the new thing", async () => (await f.projected(3)).version === "1");
  assert.deepEqual(await f.projected(2), { version: "2", document: { id: 2, name: "große Tasse" } });
});
