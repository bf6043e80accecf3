import { readFileSync } from "node:fs";
import { fastify } from "fastify";
import { callbackSender } from "./callbacks.ts";
import { type Charge, chargeBook } from "./charges.ts";
import { readSandboxConfig } from "./config.ts";

/**
 * A payment provider for development and tests: a process of its own that takes charges over HTTP, remembers
 * them by the merchant's payment id, and calls back with a signature. Money is not involved.
 *
 *     POST /payments              {id, amountCents, currency, method, callbackUrl} → charge
 *     GET  /payments/:id          → charge, or 404
 *     POST /payments/:id/refund   → charge
 *     GET  /healthz
 *
 * Everything is idempotent by id. The method says how it behaves:
 *
 *     sandbox             succeeds at once, and calls back
 *     sandbox:declined    declines at once, and calls back
 *     sandbox:late        is pending, and decides `PAYMENTS_DELAY_MS` later by its callback
 *     sandbox:quiet       is pending, succeeds `PAYMENTS_DELAY_MS` later, and never calls back
 *     sandbox:duplicate   succeeds, and calls back three times
 *     sandbox:silent      succeeds, never answers the charge, and calls back
 *     sandbox:lost        succeeds, never answers the charge, and never calls back
 */
const config = readSandboxConfig();
const secret = readFileSync(config.paymentsSecretFile, "utf8").trim();
const charges = chargeBook(config.paymentsStateFile);
const callbacks = callbackSender(secret);
const app = fastify({ bodyLimit: 16 * 1024, requestTimeout: 10_000 });

app.addHook("onRequest", async (request, reply) => {
  if (request.url === "/healthz" || request.headers.authorization === `Bearer ${secret}`) return;
  await reply.code(401).send({ error: "unauthorized" });
});

app.get("/healthz", () => ({ status: "alive" }));

app.post(
  "/payments",
  {
    schema: {
      body: {
        type: "object",
        required: ["id", "amountCents", "currency", "method", "callbackUrl"],
        properties: {
          id: { type: "string", minLength: 1, maxLength: 64 },
          amountCents: { type: "integer", minimum: 0 },
          currency: { type: "string", pattern: "^[A-Z]{3}$" },
          method: { type: "string", maxLength: 64 },
          callbackUrl: { type: "string", pattern: "^https?://", maxLength: 2048 },
        },
      },
    },
  },
  async (request, reply) => {
    const { charge, isNew } = charges.charge(request.body as Parameters<typeof charges.charge>[0]);
    if (isNew) behave(charge);
    if (isNew && ["sandbox:silent", "sandbox:lost"].includes(charge.method)) {
      // The client gives up; the socket is closed with it.
      reply.hijack();
      return;
    }
    return charges.view(charge);
  },
);

app.get("/payments/:id", async (request, reply) => {
  const charge = charges.find((request.params as { id: string }).id);
  return charge === undefined ? reply.code(404).send({ error: "unknown" }) : charges.view(charge);
});

app.post("/payments/:id/refund", async (request, reply) => {
  const charge = charges.find((request.params as { id: string }).id);
  if (charge === undefined) return reply.code(404).send({ error: "unknown" });
  if (charge.status !== "succeeded" && charge.status !== "refunded") {
    return reply.code(409).send({ error: `the payment is ${charge.status}` });
  }
  return charges.view(charges.refund(charge.id));
});

/** What the method says of deciding and calling back. */
function behave({ id, method, callbackUrl }: Charge): void {
  const charge = () => charges.succeed(id);
  if (method === "sandbox:quiet") callbacks.after(config.paymentsDelayMs, charge);
  else if (method === "sandbox:late") {
    callbacks.after(config.paymentsDelayMs, () => callbacks.send(callbackUrl, charge(), 1));
  } else if (method !== "sandbox:lost") {
    const decided = charges.find(id);
    if (decided !== undefined) callbacks.send(callbackUrl, decided, method === "sandbox:duplicate" ? 3 : 1);
  }
}

for (const charge of charges.pending()) behave(charge);

const stop = async () => {
  callbacks.close();
  app.server.closeAllConnections();
  await app.close();
};
process.once("SIGTERM", stop);
process.once("SIGINT", stop);

await app.listen({ host: config.paymentsHost, port: config.paymentsPort });
const address = app.server.address();
const port = typeof address === "object" && address !== null ? address.port : config.paymentsPort;
console.log(JSON.stringify({ role: "payments", port, msg: "ready" }));
