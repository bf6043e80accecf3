import { readFileSync } from "node:fs";
import { fastify } from "fastify";
import { callbackSender } from "./callbacks.ts";
import { type Charge, chargeBook, type Refund, refundView, view } from "./charges.ts";
import { readSandboxConfig } from "./config.ts";

/**
 * A payment provider for development and tests: a process of its own that takes charges over HTTP, remembers
 * them by the merchant's payment id, and calls back with a signature. Money is not involved.
 *
 *     POST /payments               {id, amountCents, currency, method, callbackUrl} → charge
 *     GET  /payments/:id           → charge, or 404
 *     POST /payments/:id/cancel    {amountCents, currency, method, callbackUrl} → charge; takes no money from now on
 *     POST /payments/:id/refunds   {id, amountCents} → refund, or 422
 *     GET  /healthz
 *
 * Everything is idempotent by id. The method says how it behaves:
 *
 *     sandbox             succeeds at once, and calls back
 *     sandbox:declined    declines at once, and calls back
 *     sandbox:late        is pending, and decides `PAYMENTS_DELAY_MS` later by its callback
 *     sandbox:quiet       is pending, succeeds `PAYMENTS_DELAY_MS` later, and never calls back
 *     sandbox:duplicate   succeeds, and calls back three times
 *     sandbox:reorder     is pending, then declined, then succeeded after all; calls back of all three, the last first
 *     sandbox:silent      succeeds, never answers the charge, and calls back
 *     sandbox:lost        succeeds, never answers the charge, and never calls back
 *     sandbox:other-amount       takes a cent less than it is asked for, at once, and calls back
 *     sandbox:other-amount-late  likewise `PAYMENTS_DELAY_MS` later
 *     sandbox:failing     answers the charge with 500, and takes none
 *     sandbox:refund-…    succeeds, and pays back …
 *       late              `PAYMENTS_DELAY_MS` later, and calls back
 *       fails             never: each attempt fails `PAYMENTS_DELAY_MS` later, by its callback
 *       fails-once        by the second attempt
 *       silent            without an answer to the first call
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

const id = { type: "string", minLength: 1, maxLength: 64 };
const charged = {
  amountCents: { type: "integer", minimum: 0 },
  currency: { type: "string", pattern: "^[A-Z]{3}$" },
  method: { type: "string", maxLength: 64 },
  callbackUrl: { type: "string", pattern: "^https?://", maxLength: 2048 },
};
const bodyOf = (properties: object) => ({
  schema: { body: { type: "object", required: Object.keys(properties), properties } },
});
const idIn = (request: { params: unknown }) => (request.params as { id: string }).id;

app.post("/payments", bodyOf({ id, ...charged }), async (request, reply) => {
  const asked = request.body as Parameters<typeof charges.charge>[0];
  if (asked.method === "sandbox:failing" && charges.find(asked.id) === undefined) {
    return reply.code(500).send({ error: "failing" });
  }
  const { charge, isNew } = charges.charge(asked);
  if (isNew) behave(charge);
  if (isNew && ["sandbox:silent", "sandbox:lost"].includes(charge.method)) {
    // The client gives up; the socket is closed with it.
    reply.hijack();
    return;
  }
  return view(charge);
});

app.get("/payments/:id", async (request, reply) => {
  const charge = charges.find(idIn(request));
  return charge === undefined ? reply.code(404).send({ error: "unknown" }) : view(charge);
});

app.post("/payments/:id/cancel", bodyOf(charged), async (request) => {
  const asked = request.body as Omit<Charge, "id" | "status">;
  const { amountCents, currency, method, callbackUrl } = asked;
  return view(charges.cancel({ id: idIn(request), amountCents, currency, method, callbackUrl }));
});

app.post(
  "/payments/:id/refunds",
  bodyOf({ id, amountCents: { type: "integer", minimum: 0 } }),
  async (request, reply) => {
    const charge = charges.find(idIn(request));
    if (charge === undefined) return reply.code(404).send({ error: "unknown" });
    const asked = request.body as { id: string; amountCents: number };
    if (charge.status !== "succeeded")
      return reply.code(422).send({ error: `the payment is ${charge.status}` });
    const made = charges.refund(charge, asked.id, asked.amountCents);
    if (made === undefined) return reply.code(422).send({ error: "less is left, or the id has come before" });
    if (made.isNew) behaveOfRefund(made.refund, charge, made.isFirst ?? false);
    if (made.isNew && charge.method === "sandbox:refund-silent") {
      reply.hijack();
      return;
    }
    return refundView(made.refund, charge);
  },
);

/** What the method says of deciding and calling back. */
function behave({ id: chargeId, method, callbackUrl }: Charge): void {
  const decide = () => charges.succeed(chargeId);
  if (method === "sandbox:quiet") callbacks.after(config.paymentsDelayMs, decide);
  else if (method === "sandbox:late" || method === "sandbox:other-amount-late") {
    callbacks.after(config.paymentsDelayMs, () => callbacks.send(callbackUrl, view(decide())));
  } else if (method === "sandbox:reorder") {
    callbacks.after(config.paymentsDelayMs, () => {
      const succeeded = charges.succeed(chargeId);
      const earlier = (["declined", "pending"] as const).map((status) => view({ ...succeeded, status }));
      void callbacks.sendInOrder(callbackUrl, [view(succeeded), ...earlier]);
    });
  } else if (method !== "sandbox:lost") {
    const decided = charges.find(chargeId);
    if (decided !== undefined)
      callbacks.send(callbackUrl, view(decided), method === "sandbox:duplicate" ? 3 : 1);
  }
}

function behaveOfRefund(refund: Refund, charge: Charge, isFirst: boolean): void {
  if (refund.status !== "pending") return;
  const fails =
    charge.method === "sandbox:refund-fails" || (charge.method === "sandbox:refund-fails-once" && isFirst);
  callbacks.after(config.paymentsDelayMs, () => {
    const decided = charges.decideRefund(refund, fails ? "failed" : "succeeded");
    callbacks.send(charge.callbackUrl, refundView(decided, charge));
  });
}

for (const charge of charges.pending()) behave(charge);
for (const refund of charges.pendingRefunds()) {
  const charge = charges.find(refund.paymentId);
  if (charge !== undefined) behaveOfRefund(refund, charge, false);
}

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
