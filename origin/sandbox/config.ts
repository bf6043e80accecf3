import Type, { type Static } from "typebox";
import { Value } from "typebox/value";

/** What the sandbox provider reads from its environment. */
const schema = Type.Object({
  paymentsHost: Type.String({ default: "127.0.0.1" }),
  paymentsPort: Type.Integer({ minimum: 0, maximum: 65_535, default: 8083 }),
  /** The secret shared with the merchant: it signs callbacks and opens the API. */
  paymentsSecretFile: Type.String({ minLength: 1 }),
  /** Charges are kept here over a restart; empty keeps them in memory only. */
  paymentsStateFile: Type.String({ default: "" }),
  /** How long `sandbox:late` takes to decide. */
  paymentsDelayMs: Type.Integer({ minimum: 0, maximum: 3_600_000, default: 1_000 }),
});

export type SandboxConfig = Static<typeof schema>;

export function readSandboxConfig(env: NodeJS.ProcessEnv = process.env): SandboxConfig {
  const given = {
    paymentsHost: env.PAYMENTS_HOST,
    paymentsPort: env.PAYMENTS_PORT,
    paymentsSecretFile: env.PAYMENTS_SECRET_FILE,
    paymentsStateFile: env.PAYMENTS_STATE_FILE,
    paymentsDelayMs: env.PAYMENTS_DELAY_MS,
  };
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const config = Value.Convert(schema, Value.Default(schema, known));
  if (Value.Check(schema, config)) return config;
  const faults = Value.Errors(schema, config).map((error) => `${error.instancePath} ${error.message}`);
  throw new Error(`configuration of payments: ${faults.join("; ")}`);
}
