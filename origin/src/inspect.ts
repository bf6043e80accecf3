import { parseArgs } from "node:util";
import { openParked, trace } from "./compose.ts";
import { systemClock } from "./kernel/clock.ts";
import type { ParkedMessage, ParkedMessages, RetryOutcome } from "./platform/rabbit/parked-messages.ts";

/** What operators ask from the command line about single messages and orders; throws `UsageError` when asked wrongly. */
export class UsageError extends Error {}

/** `trace order <id>`. Exit code 1 when there is no such order. */
export async function traceCommand(env: NodeJS.ProcessEnv, args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: "boolean", default: false } },
  });
  const [what, id, ...more] = positionals;
  if (what !== "order" || id === undefined || more.length > 0)
    throw new UsageError("usage: trace order <id>");
  const traced = await trace(env, id);
  if (traced === undefined) return failed(`there is no order ${id}`);
  if (values.json) return console.log(JSON.stringify(traced));
  console.log(
    `order ${traced.orderId} of user ${traced.userId}: ${traced.status}, to be paid until ${traced.expiresAt}`,
  );
  for (const { at, kind, text } of traced.events) console.log(`  ${at}  ${kind.padEnd(7)}  ${text}`);
}

/** `parked list|show|retry|drop`. Exit code 1 when there is no such message, or it can't be sent again. */
export async function parkedCommand(env: NodeJS.ProcessEnv, args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: "boolean", default: false } },
  });
  const [action = "list", text] = positionals;
  const { parked, close } = openParked(env);
  try {
    if (action === "list" && text === undefined) return list(await parked.list(), values.json);
    const id = Number(text);
    if (!["show", "retry", "drop"].includes(action) || !Number.isSafeInteger(id) || id < 1) {
      throw new UsageError("usage: parked list | show <id> | retry <id> | drop <id>");
    }
    await onOne(parked, action, id, values.json);
  } finally {
    await close();
  }
}

async function onOne(parked: ParkedMessages, action: string, id: number, json: boolean): Promise<void> {
  if (action === "show") {
    const message = await parked.find(id);
    return message === undefined ? unknown(id) : show(message, json);
  }
  if (action === "drop") {
    if (await parked.drop(id, systemClock())) console.log(`message ${id} is dropped`);
    else unknown(id);
    return;
  }
  const outcome = await parked.retry(id, systemClock());
  if (outcome === "sent") console.log(`message ${id} is in the outbox again`);
  else failed(retryFaults[outcome](id));
}

const retryFaults: Record<Exclude<RetryOutcome, "sent">, (id: number) => string> = {
  unknown: (id) => `there is no parked message ${id}`,
  cut: (id) => `message ${id} was too long to be kept whole, and can't be sent again`,
  "not-text": (id) => `message ${id} is no text, and can't be sent again`,
  answered: (id) => `whoever waited for message ${id} was turned down: look at it, and drop it`,
};

function list(messages: readonly ParkedMessage[], json: boolean): void {
  if (json) console.log(JSON.stringify(messages.map(plain)));
  else if (messages.length === 0) console.log("nothing is parked");
  else
    for (const { id, parkedAt, queue, bodyBytes, reason } of messages) {
      console.log(`${id}  ${parkedAt}  ${queue}  ${bodyBytes} bytes  ${reason}`);
    }
}

function show(message: ParkedMessage, json: boolean): void {
  if (json) console.log(JSON.stringify(plain(message)));
  else
    for (const [name, value] of Object.entries(plain(message))) {
      console.log(`${name.padEnd(10)} ${typeof value === "object" ? JSON.stringify(value) : value}`);
    }
}

function plain({ body, ...message }: ParkedMessage) {
  return { ...message, body: body.toString("utf8") };
}

function unknown(id: number): void {
  failed(retryFaults.unknown(id));
}

function failed(text: string): void {
  console.error(text);
  process.exitCode = 1;
}
