import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { pino } from "pino";
import Type from "typebox";
import { defineErrors, Refusal } from "../../kernel/errors.ts";
import { closeHttpServer, createHttpServer, listen } from "./create-server.ts";
import type { HttpServer } from "./server.ts";

const errors = defineErrors({ teapot: { code: "test.teapot", status: 418, title: "I am a teapot" } });
let isUp = true;
let stopping = false;

async function createServer(): Promise<HttpServer> {
  return createHttpServer({
    title: "Test",
    logger: pino({ level: "silent" }),
    requestTimeoutMs: 5_000,
    authenticators: {
      user: async (request) => {
        if (request.headers.authorization !== "Bearer good") throw new Refusal(errors.teapot);
        return { id: 7, sessionId: "s" };
      },
    },
    dependencies: {
      required: {
        store: async () => {
          if (!isUp) throw new Error("down");
        },
      },
      helpful: { cache: () => false },
      isStopping: () => stopping,
    },
    errorCatalogue: Object.values(errors),
  });
}

const app = await createServer();
let port: number;

before(async () => {
  const Body = Type.Object(
    {
      name: Type.String({ minLength: 1 }),
      lines: Type.Array(Type.Object({ quantity: Type.Integer({ minimum: 1 }) }), { maxItems: 3 }),
    },
    { additionalProperties: false },
  );
  const config = { access: "public" } as const;
  app.post("/things", { config, schema: { body: Body } }, async (request) => request.body);
  app.get(
    "/things",
    { config, schema: { querystring: Type.Object({ limit: Type.Integer({ maximum: 100, default: 20 }) }) } },
    async (request) => request.query,
  );
  const Numbered = Type.Object({ id: Type.Integer({ minimum: 1 }) });
  app.get("/things/:id", { config, schema: { params: Numbered } }, async (request) => request.params);
  app.get("/things/:id/parts", { config, schema: { params: Numbered } }, async (request) => request.params);
  const Flags = Type.Object(
    {
      sold: Type.Optional(Type.Boolean()),
      delta: Type.Optional(Type.Integer()),
      name: Type.Optional(Type.String()),
    },
    { additionalProperties: false },
  );
  app.get("/flags", { config, schema: { querystring: Flags } }, async (request) => request.query);
  app.get("/failing/:status", { config }, async (request) => {
    const { status } = request.params as { status: string };
    throw Object.assign(new Error("of a plugin"), { code: "FST_ERR_X", statusCode: Number(status) });
  });
  app.get("/me", { config: { access: "user" } }, async (request) => request.user);
  app.get("/not-me", { config }, async (request) => request.user);
  app.get("/refused", { config }, async () => {
    throw new Refusal(errors.teapot, { detail: "short and stout", headers: { "retry-after": "3" } });
  });
  app.get("/broken", { config }, async () => {
    throw new Error("the password is hunter2");
  });
  port = await listen(app, "127.0.0.1", 0);
});

after(() => closeHttpServer(app));

const json = { "content-type": "application/json" };

const bad = [
  { what: "broken JSON", payload: '{"name":', code: "request.malformed", status: 400 },
  { what: "no body that claims to be JSON", payload: "", code: "request.malformed", status: 400 },
  { what: "a poisoned prototype", payload: '{"__proto__":{"x":1}}', code: "request.malformed", status: 400 },
  {
    what: "a body over the limit",
    payload: `"${"x".repeat(70_000)}"`,
    code: "request.too_large",
    status: 413,
  },
  { what: "a missing and an unknown property", payload: '{"lines":[],"x":1}', pointers: ["/name", "/x"] },
  {
    what: "a fault deep inside",
    payload: '{"name":"a","lines":[{"quantity":0}]}',
    pointers: ["/lines/0/quantity"],
  },
  {
    what: "text where a number belongs",
    payload: '{"name":"a","lines":[{"quantity":"1"}]}',
    pointers: ["/lines/0/quantity"],
  },
  { what: "a fraction", payload: '{"name":"a","lines":[{"quantity":1.5}]}', pointers: ["/lines/0/quantity"] },
  { what: "another type altogether", payload: "[]", pointers: [""] },
];

for (const { what, payload, code = "validation.failed", status = 400, pointers } of bad) {
  test(`${what} is refused as ${code}`, async () => {
    const answer = await app.inject({ method: "POST", url: "/things", headers: json, payload });
    assert.equal(answer.statusCode, status);
    assert.match(String(answer.headers["content-type"]), /^application\/problem\+json/);
    const problem = answer.json();
    assert.equal(problem.code, code);
    assert.equal(problem.status, status);
    assert.equal(problem.type, `/errors#${code}`);
    assert.equal(problem.requestId, answer.headers["x-request-id"]);
    const found = problem.errors?.map(({ pointer }: { pointer: string }) => pointer).sort();
    assert.deepEqual(found, pointers);
  });
}

test("a body that is no JSON is refused by its media type", async () => {
  const answer = await app.inject({
    method: "POST",
    url: "/things",
    headers: { "content-type": "text/xml" },
    payload: "<a/>",
  });
  assert.equal(answer.statusCode, 415);
  assert.equal(answer.json().code, "request.media_type");
});

test("query values are converted, defaults filled in, bounds held", async () => {
  assert.deepEqual((await app.inject("/things")).json(), { limit: 20 });
  assert.deepEqual((await app.inject("/things?limit=5")).json(), { limit: 5 });
  assert.equal((await app.inject("/things?limit=101")).json().code, "validation.failed");
  assert.equal((await app.inject("/things?limit=5x")).json().code, "validation.failed");
});

test("of a number or a truth value in query and path one spelling is taken", async () => {
  assert.deepEqual((await app.inject("/things/17")).json(), { id: 17 });
  assert.deepEqual((await app.inject("/flags?sold=false&delta=-3&name=1")).json(), {
    sold: false,
    delta: -3,
    name: "1",
  });
  assert.deepEqual((await app.inject("/flags?delta=0")).json(), { delta: 0 });
  const numbers = ["01", "0x1", "+1", "1e0", "1.0", "true", "", " 1", "-0", "1_0", "12345678901234567"];
  const urls = [
    ...numbers.map((text) => `/things/${encodeURIComponent(text)}/parts`),
    ...numbers.map((text) => `/things?limit=${encodeURIComponent(text)}`),
    ...["1", "0", "TRUE", "on", ""].map((text) => `/flags?sold=${text}`),
    "/things?limit=1&limit=1",
  ];
  for (const url of urls) {
    const answer = await app.inject(url);
    assert.deepEqual([answer.statusCode, answer.json().code], [400, "validation.failed"], url);
  }
});

test("a query that the route does not know is refused where its schema says so", async () => {
  for (const name of ["colour", "__proto__", "constructor"]) {
    const problem = (await app.inject(`/flags?${name}=red`)).json();
    assert.deepEqual([problem.code, problem.errors?.[0].pointer], ["validation.failed", `/${name}`]);
  }
});

test("a part of a path that is too long is the client's fault, on every route", async () => {
  const long = "1".repeat(101);
  for (const url of [`/things/${long}`, `/things/${long}/parts`, `/failing/${long}?x=1`]) {
    const answer = await app.inject(url);
    assert.deepEqual([answer.statusCode, answer.json().code], [414, "request.too_large"], url);
    assert.equal(answer.json().status, 414);
    assert.equal(answer.json().requestId, answer.headers["x-request-id"]);
  }
});

for (const [thrown, status, code] of [
  [404, 404, "route.not_found"],
  [408, 408, "request.timeout"],
  [413, 413, "request.too_large"],
  [415, 415, "request.media_type"],
  [418, 400, "request.malformed"],
  [431, 431, "request.headers_too_large"],
  [503, 500, "internal"],
] as const) {
  test(`an error of the framework with ${thrown} is answered as ${status} ${code}`, async () => {
    const answer = await app.inject(`/failing/${thrown}`);
    assert.deepEqual([answer.statusCode, answer.json().code], [status, code]);
  });
}

test("a refusal keeps its status, words and headers", async () => {
  const answer = await app.inject("/refused");
  assert.equal(answer.statusCode, 418);
  assert.equal(answer.headers["retry-after"], "3");
  assert.equal(answer.json().detail, "short and stout");
});

test("what nobody foresaw tells the client nothing", async () => {
  const answer = await app.inject("/broken");
  assert.equal(answer.statusCode, 500);
  assert.equal(answer.json().code, "internal");
  assert.doesNotMatch(answer.body, /hunter2/);
});

test("unknown paths and paths that can't be decoded are told apart", async () => {
  assert.equal((await app.inject("/nothing")).json().code, "route.not_found");
  assert.equal((await app.inject("/%zz")).json().code, "request.malformed");
});

test("a request id is passed on, and one that could forge a log line is replaced", async () => {
  const id = "0123456789abcdef";
  const kept = await app.inject({ url: "/things", headers: { "x-request-id": id } });
  assert.equal(kept.headers["x-request-id"], id);
  const replaced = await app.inject({ url: "/things", headers: { "x-request-id": 'a"b{}0123456' } });
  assert.match(String(replaced.headers["x-request-id"]), /^[0-9a-f-]{36}$/);
});

test("a route that declares no access can't be registered, nor one that this listener can't guard", async () => {
  const fresh = await createServer();
  assert.throws(() => fresh.get("/open", async () => "anybody"), /declares no access/);
  const operator = { config: { access: "operator:read" } } as const;
  assert.throws(() => fresh.get("/ops", operator, async () => "nobody"), /can't check/);
  for (const access of ["operator", "operator:everything", "Public", "", "__proto__"]) {
    const unheard = { config: { access: access as "public" } };
    assert.throws(() => fresh.get("/unheard", unheard, async () => "nobody"), /no such access/, access);
  }
  await fresh.close();
});

test("a user route knows its user, and only a user route does", async () => {
  assert.equal((await app.inject("/me")).json().code, "test.teapot");
  const answer = await app.inject({ url: "/me", headers: { authorization: "Bearer good" } });
  assert.deepEqual(answer.json(), { id: 7, sessionId: "s" });
  assert.equal((await app.inject("/not-me")).statusCode, 500);
});

test("readiness follows what is required, and names what merely helps", async () => {
  const ready = await app.inject("/readyz");
  assert.deepEqual(ready.json(), { status: "ready", dependencies: { cache: "down", store: "up" } });
  isUp = false;
  const notReady = await app.inject("/readyz");
  assert.equal(notReady.statusCode, 503);
  assert.equal(notReady.json().dependencies.store, "down");
  assert.equal((await app.inject("/healthz")).statusCode, 200);
  isUp = true;
  stopping = true;
  assert.equal((await app.inject("/readyz")).json().code, "service.stopping");
  stopping = false;
});

test("every route is in the OpenAPI document, and the catalogue is served", async () => {
  const document = (await app.inject("/openapi.json")).json();
  assert.deepEqual(Object.keys(document.paths["/things"]).sort(), ["get", "post"]);
  assert.deepEqual((await app.inject("/errors")).json(), { errors: [errors.teapot] });
});

test("the document says who may ask, and what a problem looks like", async () => {
  const { paths } = (await app.inject("/openapi.json")).json();
  assert.deepEqual(paths["/me"].get.security, [{ bearer: [] }]);
  assert.equal(paths["/things"].get.security, undefined);
  assert.deepEqual(Object.keys(paths["/me"].get.responses.default.content), ["application/problem+json"]);
});

test("a server that closes finishes what it began and takes nothing new", async () => {
  const closing = await createServer();
  const entered = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  closing.get("/slow", { config: { access: "public" } }, async () => {
    entered.resolve();
    await release.promise;
    return { done: true };
  });
  const closingPort = await listen(closing, "127.0.0.1", 0);
  const slow = fetch(`http://127.0.0.1:${closingPort}/slow`);
  await entered.promise;
  const closed = closeHttpServer(closing);
  await assert.rejects(untilRefused(closingPort), /ECONNREFUSED|ECONNRESET/);
  release.resolve();
  const answer = await slow;
  assert.deepEqual(await answer.json(), { done: true });
  assert.equal(answer.headers.get("connection"), "close");
  await closed;
});

/** Connects until the port no longer takes anybody; the close above has begun by then. */
async function untilRefused(refusingPort: number): Promise<never> {
  for (;;) {
    const socket = connect(refusingPort, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
  }
}

/** What a client would have to be broken or hostile to send. */
const raw = [
  { what: "no HTTP at all", bytes: "hello there\r\n\r\n", status: 400, code: "request.malformed" },
  {
    what: "headers beyond the limit",
    bytes: `GET / HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(20_000)}\r\n\r\n`,
    status: 431,
    code: "request.headers_too_large",
  },
  {
    what: "two framings at once",
    bytes:
      "POST /things HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    status: 400,
    code: "request.malformed",
  },
];

for (const { what, bytes, status, code } of raw) {
  test(`${what} is answered by a problem as well`, async () => {
    const socket = connect(port, "127.0.0.1");
    socket.write(bytes);
    const answer = await text(socket);
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
    assert.equal(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4)).code, code);
  });
}

const unparsable = [
  { what: "the edge's id", given: "x-request-id: 0123456789abcdef", kept: true },
  { what: "its name in capitals", given: "X-REQUEST-ID:0123456789abcdef ", kept: true },
  { what: "an id that could forge a log line", given: 'x-request-id: 0123456789abcdef"', kept: false },
  { what: "an id in the body", given: "a: b\r\n\r\nx-request-id: 0123456789abcdef", kept: false },
];

for (const { what, given, kept } of unparsable) {
  test(`a path of raw bytes with ${what} is refused under ${kept ? "that" : "another"} id`, async () => {
    const socket = connect(port, "127.0.0.1");
    socket.write(Buffer.from(`GET /caf\xe9 HTTP/1.1\r\nhost: a\r\n${given}\r\n\r\n`, "latin1"));
    const answer = await text(socket);
    assert.match(answer, /^HTTP\/1.1 400 /);
    const { requestId } = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4));
    assert.equal(requestId === "0123456789abcdef", kept, requestId);
    assert.match(answer, new RegExp(`\r\nx-request-id: ${requestId}\r\n`));
  });
}
