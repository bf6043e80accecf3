import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigFaults, environmentName, readConfig } from "./config.ts";

const relay = {
  MYSQL_URL: "mysql://sluice:secret@127.0.0.1:3306/sluice",
  REDIS_URL: "redis://127.0.0.1:6379",
  RABBITMQ_URL: "amqp://127.0.0.1:5672",
};

test("text becomes what the schema says, and defaults fill in", () => {
  const config = readConfig("worker", {
    ...relay,
    PAYMENTS_URL: "http://127.0.0.1:8083",
    PAYMENTS_SECRET_FILE: import.meta.filename,
    ORDER_TTL_SECONDS: "3",
  });
  assert.equal(config.orderTtlSeconds, 3);
  assert.equal(config.logLevel, "info");
  assert.equal(config.redisPrefix, "");
});

test("all faults are told at once, by variable, without their values", () => {
  const env = {
    MYSQL_URL: "postgres://sluice:hunter2@db/x",
    REDIS_URL: "",
    API_PORT: "eighty",
    LOG_LEVEL: "loud",
  };
  assert.throws(
    () => readConfig("api", env),
    (error) => {
      assert(error instanceof ConfigFaults);
      for (const name of ["MYSQL_URL", "REDIS_URL", "API_PORT", "LOG_LEVEL", "OPS_TOKEN_FILE"]) {
        assert.equal(error.faults.filter((fault) => fault.startsWith(`${name} `)).length, 1, name);
      }
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    },
  );
});

test("a file that can't be read is a fault of its setting", () => {
  const env = { ...relay, DEMO_PASSWORD_FILE: "/nowhere/at/all" };
  assert.throws(() => readConfig("seed", env), /DEMO_PASSWORD_FILE names a file that can't be read/);
});

test("the provider that is named needs its settings, and no other does", () => {
  for (const [provider, missing] of [
    ["sandbox", ["PAYMENTS_URL", "PAYMENTS_SECRET_FILE"]],
    ["stripe", ["STRIPE_KEY_FILE", "STRIPE_WEBHOOK_SECRETS_FILE"]],
  ] as const) {
    const env = { ...relay, REDIS_URL: "", PAYMENTS_PROVIDER: provider };
    assert.throws(
      () => readConfig("worker", env),
      (error) => {
        assert(error instanceof ConfigFaults);
        assert.deepEqual(
          error.faults.map((fault) => fault.split(" ")[0]),
          ["REDIS_URL", ...missing],
        );
        return true;
      },
    );
  }
});

test("a role gets only its own settings", () => {
  const config = readConfig("relay", { ...relay, TOKEN_PRIVATE_KEY_FILE: "/run/key", OPS_PORT: "not read" });
  assert.deepEqual(Object.keys(config).sort(), [
    "logLevel",
    "mysqlUrl",
    "productFilterIds",
    "rabbitmqUrl",
    "readyFile",
    "redisPrefix",
    "redisUrl",
  ]);
});

test("names of settings follow one rule", () => {
  assert.equal(environmentName("orderTtlSeconds"), "ORDER_TTL_SECONDS");
  assert.equal(environmentName("apiPort"), "API_PORT");
});
