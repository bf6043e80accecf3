import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Logger } from "../../../../platform/logger.ts";
import type { PaymentProvider, PaymentProviders } from "../../application/ports.ts";
import { sandboxProvider } from "./sandbox.ts";
import { stripeProvider } from "./stripe.ts";

export interface ProviderSettings {
  readonly paymentsProvider: string;
  readonly paymentsUrl: string;
  readonly paymentsSecretFile: string;
  readonly paymentsCallbackUrl: string;
  readonly stripeUrl: string;
  readonly stripeKeyFile: string;
  readonly stripeWebhookSecretsFile: string;
}

/**
 * Every provider that has its settings, so that after a change of `PAYMENTS_PROVIDER` the one before is still asked
 * about its payments; new ones go to the one that is named.
 */
export function configuredProviders(settings: ProviderSettings, logger: Logger): PaymentProviders {
  const { paymentsProvider, paymentsUrl, paymentsSecretFile, stripeUrl, stripeKeyFile } = settings;
  const providers: PaymentProvider[] = [];
  if (paymentsUrl !== "" && paymentsSecretFile !== "") {
    const [secret = ""] = linesOf(paymentsSecretFile);
    providers.push(
      sandboxProvider({ url: paymentsUrl, secret, callbackUrl: settings.paymentsCallbackUrl, logger }),
    );
  }
  if (stripeKeyFile !== "" && settings.stripeWebhookSecretsFile !== "") {
    const [secretKey = ""] = linesOf(stripeKeyFile);
    const webhookSecrets = linesOf(settings.stripeWebhookSecretsFile);
    providers.push(stripeProvider({ url: stripeUrl, secretKey, webhookSecrets, logger }));
  }
  const named = (name: string) => providers.find((provider) => provider.name === name);
  const current = named(paymentsProvider);
  assert(current !== undefined, `the configuration of ${paymentsProvider} is complete, or is refused before`);
  return { current, named };
}

function linesOf(path: string): string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
