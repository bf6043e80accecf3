import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { connect } from "amqplib";
import { createTestVhost, startTestServices } from "../../../cli/src/services/for-tests.ts";
import { openProxy } from "../../test/tcp-proxy.ts";
import { until } from "../../test/until.ts";
import { createLogger } from "../platform/logger.ts";
import { connectOutboxChannel } from "./outbox-channel.ts";

const services = await startTestServices();
const vhost = await createTestVhost(services);
const broker = await connect(vhost.url);
const admin = await broker.createChannel();
const logger = createLogger("test", "silent", process.stdout);

after(async () => {
  await broker.close();
  await vhost.close();
  await services.close();
});

const row = (routingKey: string, payload: string) => ({
  id: "1",
  exchange: "",
  routingKey,
  messageId: randomUUID(),
  payload,
});

test("a message that no queue takes is given back and fails, and goes through when there is one", async () => {
  const opened = Promise.withResolvers<void>();
  const channel = await connectOutboxChannel({ url: vhost.url, logger, onOpen: opened.resolve });
  await opened.promise;
  const message = row("not.there.yet", "{}");
  await assert.rejects(channel.send(message), /no queue takes this message/);
  assert.ok(channel.isOpen(), "it is that message's trouble alone");
  await admin.assertQueue("not.there.yet", { durable: true, arguments: { "x-queue-type": "quorum" } });
  await channel.send(message);
  const got = await admin.get("not.there.yet", { noAck: true });
  assert.ok(got !== false);
  assert.deepEqual([got.properties.messageId, got.properties.deliveryMode], [message.messageId, 2]);
  await channel.close();
});

test("a broker that confirms nothing is given up, and the message can be sent again by a new connection", async () => {
  await using proxy = await openProxy(vhost.url);
  const url = new URL(vhost.url);
  url.port = String(proxy.port);
  await admin.assertQueue("silent", { durable: true, arguments: { "x-queue-type": "quorum" } });
  let times = 0;
  const onOpen = () => {
    times += 1;
  };
  const channel = await connectOutboxChannel({ url: url.href, logger, onOpen, confirmTimeoutMs: 300 });
  await until("it is open", async () => channel.isOpen());
  const seen = proxy.withholdAnswersTo("a silent message");
  const message = row("silent", '"a silent message"');
  await assert.rejects(channel.send(message), /not confirmed it in time/);
  await seen;
  await until("it is open again", async () => times === 2 && channel.isOpen());
  await channel.send(message);
  const { messageCount } = await admin.checkQueue("silent");
  assert.equal(messageCount, 2, "the first one had arrived: at least once");
  await channel.close();
});
