/** The secrets of a private system: made on its first start, kept from then on, readable by their owner only. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Home } from "../process/home.ts";
import { secretIn } from "../process/secret.ts";

export interface Secrets {
  opsTokenFile: string;
  demoPasswordFile: string;
  demoPassword: string;
  paymentsSecretFile: string;
  mysqlPassword: string;
  redisPassword: string;
  rabbitmqPassword: string;
  tokenPrivateKeyFile: string;
  tokenPublicKeysFile: string;
}

export function makeSecrets(home: Home): Secrets {
  const opsTokenFile = join(home.root, "ops-token");
  const demoPasswordFile = join(home.keys, "demo-password");
  const paymentsSecretFile = join(home.keys, "payments-secret");
  secretIn(opsTokenFile);
  secretIn(paymentsSecretFile);
  return {
    opsTokenFile,
    demoPasswordFile,
    demoPassword: secretIn(demoPasswordFile, demoPassword),
    paymentsSecretFile,
    mysqlPassword: secretIn(join(home.keys, "mysql-password")),
    redisPassword: secretIn(join(home.keys, "redis-password")),
    rabbitmqPassword: secretIn(join(home.keys, "rabbitmq-password")),
    tokenPrivateKeyFile: join(home.keys, "token-private.pem"),
    tokenPublicKeysFile: join(home.keys, "token-keys.json"),
  };
}

/** Short enough to be typed from one screen into another: 60 bits. */
function demoPassword(): string {
  return `demo-${randomBytes(9).toString("base64url").replace(/[-_]/g, "x")}`;
}
