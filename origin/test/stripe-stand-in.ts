import { createHmac, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Plays Stripe's API for tests: the calls that we make, with the rules that hurt when they are not known.
 *
 * - An Idempotency-Key that comes again gives the first answer again; with another call or other parameters it is an
 *   error; while the first is being worked on it is 409.
 * - An intent that was made takes no money before it is confirmed; confirming needs the state for it.
 * - Refunds never exceed what was received, and may end `failed` after they had succeeded.
 */
export interface StripeStandIn {
  readonly url: string;
  readonly secretKey: string;
  readonly webhookSecret: string;
  /** Forgets every key, as Stripe may after a day. */
  forgetKeys(): void;
  /** Everything that was asked for, in order. */
  readonly calls: readonly Call[];
  /** What the next calls whose path matches come to. `lost after`: it is done, and the answer is never sent. */
  fail(path: RegExp, how: "lost before" | "lost after" | "lost after on POST" | "500", times?: number): void;
  /** Cents that are with us, by intent. */
  heldCents(): number;
  intents(): readonly Intent[];
  refunds(): readonly StripeRefund[];
  /** A signed event of an object as it is now, or with changes that it had at another time. */
  event(type: string, id: string, changes?: object): { body: string; signature: string };
  /** A refund that had succeeded comes back. */
  failRefund(id: string): void;
  close(): Promise<void>;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  readonly status: number;
  /** The headers that tell how the call is to be read. */
  readonly version: string | undefined;
  readonly type: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}

interface Intent {
  id: string;
  object: "payment_intent";
  status: string;
  amount: number;
  amount_received: number;
  currency: string;
  payment_method: string | null;
  metadata: Record<string, string>;
}

interface StripeRefund {
  id: string;
  object: "refund";
  status: string;
  amount: number;
  currency: string;
  payment_intent: string;
  failure_reason?: string;
  metadata: Record<string, string>;
}

interface Reply {
  status: number;
  body: object;
}

const refusal = (status: number, type: string, code?: string, more: object = {}): Reply => ({
  status,
  body: { error: { type, ...(code === undefined ? {} : { code }), message: code ?? type, ...more } },
});

/** Smaller than Stripe's hundred, so that few refunds fill more than one page. */
const pageMax = 2;

export async function startStripeStandIn(): Promise<StripeStandIn> {
  const secretKey = `sk_test_${randomBytes(12).toString("hex")}`;
  const webhookSecret = `whsec_${randomBytes(16).toString("hex")}`;
  const intents = new Map<string, Intent>();
  const refunds = new Map<string, StripeRefund>();
  const answered = new Map<string, { request: string; reply: Reply }>();
  const calls: Call[] = [];
  const failures: { path: RegExp; how: string; times: number }[] = [];
  let made = 0;

  const answer = (method: string, path: string, params: URLSearchParams): Reply => {
    const [, resource, id, action] =
      /^\/v1\/(payment_intents|refunds)(?:\/(\w+))?(?:\/(\w+))?$/.exec(path) ?? [];
    if (resource === "refunds") {
      if (method === "POST") return makeRefund(params);
      if (id === undefined) return listRefunds(params);
      const refund = refunds.get(id ?? "");
      return refund === undefined
        ? refusal(404, "invalid_request_error", "resource_missing")
        : { status: 200, body: refund };
    }
    if (resource !== "payment_intents") return refusal(404, "invalid_request_error");
    if (id === undefined) return makeIntent(params);
    const intent = intents.get(id);
    if (intent === undefined) return refusal(404, "invalid_request_error", "resource_missing");
    if (action === "confirm") return confirm(intent, params);
    if (action === "cancel") return cancel(intent);
    return { status: 200, body: intent };
  };

  const makeIntent = (params: URLSearchParams): Reply => {
    const amount = Number(params.get("amount"));
    if (!Number.isInteger(amount) || amount < 1) {
      return refusal(400, "invalid_request_error", "parameter_invalid_integer");
    }
    const intent: Intent = {
      id: `pi_${++made}${randomBytes(6).toString("hex")}`,
      object: "payment_intent",
      status: params.has("payment_method") ? "requires_confirmation" : "requires_payment_method",
      amount,
      amount_received: 0,
      currency: params.get("currency") ?? "",
      payment_method: params.get("payment_method"),
      metadata: metadataIn(params),
    };
    intents.set(intent.id, intent);
    return { status: 200, body: intent };
  };

  const confirm = (intent: Intent, params: URLSearchParams): Reply => {
    if (!["requires_confirmation", "requires_payment_method"].includes(intent.status)) {
      const more = { payment_intent: intent };
      return refusal(400, "invalid_request_error", "payment_intent_unexpected_state", more);
    }
    const method = params.get("payment_method") ?? intent.payment_method ?? "";
    if (method.startsWith("pm_declined")) {
      intent.status = "requires_payment_method";
      return refusal(402, "card_error", "card_declined", { payment_intent: intent });
    }
    if (method.startsWith("pm_3ds") && params.get("error_on_requires_action") === "true") {
      intent.status = "requires_payment_method";
      return refusal(402, "card_error", "payment_intent_action_required", { payment_intent: intent });
    }
    if (method.startsWith("pm_3ds")) intent.status = "requires_action";
    else if (method.startsWith("pm_processing")) intent.status = "processing";
    else {
      intent.status = "succeeded";
      intent.amount_received = intent.amount;
    }
    return { status: 200, body: intent };
  };

  const cancel = (intent: Intent): Reply => {
    if (["succeeded", "canceled", "processing"].includes(intent.status)) {
      const more = { payment_intent: intent };
      return refusal(400, "invalid_request_error", "payment_intent_unexpected_state", more);
    }
    intent.status = "canceled";
    return { status: 200, body: intent };
  };

  /** The newest first. */
  const listRefunds = (params: URLSearchParams): Reply => {
    const own = [...refunds.values()]
      .filter((one) => one.payment_intent === params.get("payment_intent"))
      .reverse();
    const from = own.findIndex(({ id }) => id === params.get("starting_after")) + 1;
    const to = from + Math.min(Number(params.get("limit") ?? 10), pageMax);
    return { status: 200, body: { object: "list", data: own.slice(from, to), has_more: to < own.length } };
  };

  const makeRefund = (params: URLSearchParams): Reply => {
    const intent = intents.get(params.get("payment_intent") ?? "");
    if (intent === undefined) return refusal(404, "invalid_request_error", "resource_missing");
    const amount = Number(params.get("amount"));
    const gone = [...refunds.values()]
      .filter((one) => one.payment_intent === intent.id && one.status !== "failed")
      .reduce((sum, one) => sum + one.amount, 0);
    if (intent.status !== "succeeded" || amount < 1 || gone + amount > intent.amount_received) {
      return refusal(400, "invalid_request_error", "charge_already_refunded");
    }
    const refund: StripeRefund = {
      id: `re_${++made}${randomBytes(6).toString("hex")}`,
      object: "refund",
      status: intent.payment_method?.includes("slow_refund") ? "pending" : "succeeded",
      amount,
      currency: intent.currency,
      payment_intent: intent.id,
      metadata: metadataIn(params),
    };
    refunds.set(refund.id, refund);
    return { status: 200, body: refund };
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = "", url = "" } = request;
    const { pathname: path, searchParams } = new URL(url, "http://stand.in");
    let text = "";
    for await (const chunk of request) text += chunk;
    const key = request.headers["idempotency-key"] as string | undefined;
    const send = ({ status, body }: Reply) => {
      const { "stripe-version": version, "content-type": type } = request.headers;
      const form = Object.fromEntries(new URLSearchParams(text));
      calls.push({ method, path, key, status, version: version?.toString(), type, form });
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (request.headers.authorization !== `Bearer ${secretKey}`)
      return send(refusal(401, "authentication_error"));
    if (method === "POST" && key === undefined) return send(refusal(400, "our_own_rule_is_to_send_keys"));
    const failure = failures.find(
      (one) => one.times > 0 && one.path.test(path) && (method === "POST" || !one.how.endsWith("on POST")),
    );
    if (failure !== undefined) failure.times -= 1;
    if (failure?.how === "500") return send(refusal(500, "api_error"));
    if (failure?.how === "lost before") return;
    const reply = once(key, `${method} ${url} ${text}`, () =>
      answer(method, path, method === "GET" ? searchParams : new URLSearchParams(text)),
    );
    if (failure?.how.startsWith("lost after")) return;
    send(JSON.parse(JSON.stringify(reply)));
  };

  const once = (key: string | undefined, request: string, work: () => Reply): Reply => {
    const known = key === undefined ? undefined : answered.get(key);
    if (known !== undefined) {
      return known.request === request ? known.reply : refusal(400, "idempotency_error");
    }
    const reply = JSON.parse(JSON.stringify(work())) as Reply;
    if (key !== undefined) answered.set(key, { request, reply });
    return reply;
  };

  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    secretKey,
    webhookSecret,
    forgetKeys: () => answered.clear(),
    calls,
    fail: (path, how, times = 1) => void failures.push({ path, how, times }),
    heldCents: () => {
      const received = [...intents.values()].reduce((sum, one) => sum + one.amount_received, 0);
      const back = [...refunds.values()].filter(({ status }) => status !== "failed");
      return received - back.reduce((sum, one) => sum + one.amount, 0);
    },
    intents: () => [...intents.values()],
    refunds: () => [...refunds.values()],
    event: (type, id, changes = {}) => {
      const object = { ...(intents.get(id) ?? refunds.get(id)), ...changes };
      const body = JSON.stringify({ id: `evt_${++made}`, object: "event", type, data: { object } });
      return { body, signature: signStripe(body, webhookSecret, Date.now()) };
    },
    failRefund: (id) => {
      const refund = refunds.get(id);
      if (refund === undefined) throw new Error(`no refund ${id}`);
      refund.status = "failed";
      refund.failure_reason = "lost_or_stolen_card";
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function signStripe(body: string, secret: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1_000);
  return `t=${seconds},v1=${createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")}`;
}

function metadataIn(params: URLSearchParams): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of params) {
    const key = /^metadata\[(\w+)\]$/.exec(name)?.[1];
    if (key !== undefined) found[key] = value;
  }
  return found;
}
