import { accessSync, constants } from "node:fs";
import Type, { type Static, type TObject, type TProperties } from "typebox";
import { Format } from "typebox/format";
import { Value } from "typebox/value";
import { StartFaults } from "./kernel/errors.ts";

/**
 * The configuration of every role, one schema. A setting `apiPort` is read from the environment variable
 * `API_PORT`. Defaults stand only here; a role gets only what it needs, so the relay never sees a signing key.
 */

const readableFile = "readable-file";
Format.Set(readableFile, isReadable);
const readableFileOrNone = "readable-file-or-none";
Format.Set(readableFileOrNone, (path) => path === "" || isReadable(path));

const port = (fallback: number) => Type.Integer({ minimum: 0, maximum: 65_535, default: fallback });
const host = Type.String({ minLength: 1, default: "127.0.0.1" });
const seconds = (fallback: number) => Type.Integer({ minimum: 1, maximum: 31_536_000, default: fallback });
const url = (schemes: string, example: string) =>
  Type.String({ pattern: `^(${schemes})://.+`, description: `like ${example}` });
const file = (what: string) =>
  Type.String({ minLength: 1, format: readableFile, description: `path of ${what}` });

const logging = {
  logLevel: Type.Union(
    ["trace", "debug", "info", "warn", "error", "fatal", "silent"].map((level) => Type.Literal(level)),
    { default: "info" },
  ),
};
const database = { mysqlUrl: url("mysql", "mysql://user:password@127.0.0.1:8306/sluice") };
const redis = {
  redisUrl: url("rediss?", "redis://127.0.0.1:8379"),
  redisPrefix: Type.String({ default: "" }),
};
const rabbit = { rabbitmqUrl: url("amqps?", "amqp://user:password@127.0.0.1:8672") };
const listeners = { apiHost: host, apiPort: port(8082), opsHost: host, opsPort: port(8081) };
/** Who says what is signed: access tokens and proofs of purchases. */
const issuer = { tokenIssuer: Type.String({ minLength: 1, default: "sluice" }) };
const tokens = {
  tokenPrivateKeyFile: file("the PEM of the private keys that sign access tokens"),
  tokenPublicKeysFile: file("the JSON list of public keys"),
  ...issuer,
  tokenAudience: Type.String({ minLength: 1, default: "sluice" }),
  tokenKeyRotationSeconds: Type.Integer({ minimum: 0, maximum: 31_536_000, default: 2_592_000 }),
  accessTokenTtlSeconds: seconds(600),
  refreshTokenTtlSeconds: seconds(2_592_000),
  refreshTokenIdleSeconds: seconds(1_209_600),
};
const trail = { trailKeptSeconds: seconds(7_776_000) };
const passwords = {
  passwordRangeUrl: Type.String({
    pattern: "^(https?://.+/)?$",
    default: "",
    description: "like https://api.pwnedpasswords.com/range/",
  }),
};
const browsers = {
  publicUrl: Type.String({
    pattern: "^(https://[^/]+|http://(127\\.0\\.0\\.1|localhost|\\[::1\\])(:[0-9]+)?)$",
    default: "http://127.0.0.1:8080",
    description: "like https://shop.example, without a slash at its end; plain HTTP only on this machine",
  }),
  identityProvidersFile: Type.String({ default: "" }),
};
const readiness = {
  readyFile: Type.String({
    default: "",
    description: "where a role that listens nowhere says that it is ready",
  }),
};
const orders = {
  orderTtlSeconds: seconds(1_800),
  saleOrderTtlSeconds: seconds(300),
  orderExpiryShards: Type.Integer({ minimum: 1, maximum: 16, default: 2 }),
  orderUnpaidMax: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 100 }),
};
const filters = {
  productFilterIds: Type.Integer({ minimum: 1_000, maximum: 100_000_000, default: 1_000_000 }),
};
const optionalFile = Type.String({ default: "", format: readableFileOrNone });
const payments = {
  paymentsProvider: Type.Union([Type.Literal("sandbox"), Type.Literal("stripe")], { default: "sandbox" }),
  paymentsUrl: Type.String({ pattern: "^$|^https?://.+", default: "" }),
  paymentsSecretFile: optionalFile,
  paymentsCallbackUrl: Type.String({
    pattern: "^https?://.+",
    default: "http://127.0.0.1:8082/payments/callback/sandbox",
  }),
  stripeUrl: Type.String({ pattern: "^https?://.+", default: "https://api.stripe.com" }),
  stripeKeyFile: optionalFile,
  stripeWebhookSecretsFile: optionalFile,
};
const settingsOfProvider = {
  sandbox: ["paymentsUrl", "paymentsSecretFile"],
  stripe: ["stripeKeyFile", "stripeWebhookSecretsFile"],
} as const;

const schemas = {
  api: Type.Object({
    ...logging,
    ...database,
    ...redis,
    ...listeners,
    ...tokens,
    ...passwords,
    ...browsers,
    ...orders,
    ...payments,
    opsTokenFile: file("the operators' bearer token"),
    operatorsFile: Type.String({
      format: readableFileOrNone,
      default: "",
      description: "path of the JSON list of operators with tokens of their own",
    }),
    geoipCountryDb: Type.String({ default: "" }),
    geoipAsnDb: Type.String({ default: "" }),
  }),
  worker: Type.Object({
    ...logging,
    ...readiness,
    ...database,
    ...redis,
    ...rabbit,
    ...orders,
    ...payments,
    ...trail,
    ...issuer,
  }),
  relay: Type.Object({ ...logging, ...readiness, ...database, ...redis, ...rabbit, ...filters }),
  migrate: Type.Object({ ...logging, ...database }),
  inspect: Type.Object({ ...logging, ...database }),
  seed: Type.Object({ ...logging, ...database, demoPasswordFile: file("the demo users' password") }),
  audit: Type.Object({ ...logging, ...database, ...redis }),
  operate: Type.Object({ ...logging, ...redis }),
};

export type ConfiguredRole = keyof typeof schemas;
export type ConfigOf<R extends ConfiguredRole> = Static<(typeof schemas)[R]>;
export type ApiConfig = ConfigOf<"api">;
export type WorkerConfig = ConfigOf<"worker">;
export type RelayConfig = ConfigOf<"relay">;

/** Every fault of the environment at once, so that nobody fixes them one start at a time. */
export class ConfigFaults extends StartFaults {
  constructor(role: string, faults: readonly string[]) {
    super(`configuration of ${role}`, faults);
  }
}

export function readConfig<R extends ConfiguredRole>(role: R, env: NodeJS.ProcessEnv): ConfigOf<R> {
  const schema: TObject<TProperties> = schemas[role];
  const given: Record<string, unknown> = {};
  for (const key of Object.keys(schema.properties)) {
    const value = env[environmentName(key)];
    if (value !== undefined && value !== "") given[key] = value;
  }
  const config = Value.Convert(schema, Value.Default(schema, given));
  const read = config as Record<string, unknown>;
  const faults = [...faultsOf(schema, read), ...providerFaults(read)];
  if (faults.length === 0) return config as ConfigOf<R>;
  throw new ConfigFaults(role, faults);
}

/** `orderTtlSeconds` → `ORDER_TTL_SECONDS` */
export function environmentName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** Names the setting and what it should be. Values are not repeated: a URL holds a password. */
function faultsOf(schema: TObject<TProperties>, config: Record<string, unknown>): string[] {
  const faults: string[] = [];
  for (const [key, property] of Object.entries(schema.properties)) {
    const name = environmentName(key);
    const hint = (property as { description?: string }).description;
    const suffix = hint === undefined ? "" : ` (${hint})`;
    if (config[key] === undefined) faults.push(`${name} is missing${suffix}`);
    else {
      const first = Value.Errors(property, config[key])[0];
      if (first?.keyword === "format") faults.push(`${name} names a file that can't be read${suffix}`);
      else if (first !== undefined) faults.push(`${name} ${first.message}${suffix}`);
    }
  }
  return faults;
}

/** The provider that makes new payments needs its settings; another one may have them, for the payments that it made. */
function providerFaults({ paymentsProvider, ...config }: Record<string, unknown>): string[] {
  const needed = settingsOfProvider[paymentsProvider as keyof typeof settingsOfProvider] ?? [];
  return needed
    .filter((key) => config[key] === "")
    .map((key) => `${environmentName(key)} is missing (PAYMENTS_PROVIDER is ${paymentsProvider})`);
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
