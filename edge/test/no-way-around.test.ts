import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { type EdgeUnderTest, FROM_GERMANY, FROM_KOREA, FROM_NOWHERE, startEdge } from "./edge-under-test.ts";
import { sendRaw } from "./http.ts";
import { type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { freePort, until } from "./processes.ts";
import { type RedisUnderTest, startRedis } from "./redis-under-test.ts";

const ID = "0190f3a2-7b6c-7d4e-8f90-a1b2c3d4e5f6";
/** No address of a client, and none that anybody trusts. */
const SPOOFED = FROM_GERMANY;

describe("there is no way around the policy", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;
  let untrusting: EdgeUnderTest;
  /** Of both edges the listener for the PROXY protocol; the second trusts none of our addresses. */
  let announcedPort: number;
  let unbelievedPort: number;

  before(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    await redis.ready("1");
    await redis.policy(1, {
      rules: [
        { id: "no-jwks", match: { pathPrefix: "/.well-known/jwks.json" }, action: "deny", mode: "enforce" },
        {
          id: "no-callbacks",
          match: { pathPrefix: "/payments/callback/" },
          action: "deny",
          mode: "enforce",
          status: 451,
        },
        { id: "no-host", match: { host: ["secret.example"] }, action: "deny", mode: "enforce", status: 404 },
        { id: "nowhere", match: { country: ["ZZ"] }, action: "deny", mode: "enforce" },
        { id: "no-kp", match: { country: ["KP"] }, action: "deny", mode: "enforce" },
      ],
      default: "allow",
    });
    [announcedPort, unbelievedPort] = [await freePort(), await freePort()];
    edge = await startEdge({
      redisPort: redis.port,
      originPort: origin.port,
      env: { EDGE_PROXY_PROTOCOL_PORT: String(announcedPort) },
    });
    untrusting = await startEdge({
      redisPort: redis.port,
      originPort: origin.port,
      env: { EDGE_TRUSTED_PROXIES: "10.0.0.0/8", EDGE_PROXY_PROTOCOL_PORT: String(unbelievedPort) },
    });
    await edge.untilReady();
    await untrusting.untilReady();
    await until("the rules are in force", async () => {
      return (await edge.from(FROM_KOREA, "/openapi.json")).status === 403;
    });
  });

  after(async () => {
    await untrusting?.close();
    await edge?.close();
    await origin?.close();
    await redis?.close();
  });

  beforeEach(() => {
    origin.seen.length = 0;
  });

  /** The status of each answer that comes before the connection is closed. */
  async function statuses(lines: string[], body = "", to = edge): Promise<number[]> {
    return statusesOf(await sendRaw(to.port, `${lines.join("\r\n")}\r\n\r\n${body}`));
  }

  function statusesOf(text: string): number[] {
    return [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
  }

  const get = (target: string, ...fields: string[]) => [
    `GET ${target} HTTP/1.1`,
    "host: shop.example",
    `x-forwarded-for: ${FROM_GERMANY}`,
    "connection: close",
    ...fields,
  ];

  test("a path that a rule names is refused however it is written, and never reaches the origin otherwise", async () => {
    const path = `/payments/callback/${ID}`;
    const written = [
      path,
      `//payments/callback/${ID}`,
      `/payments//callback/${ID}`,
      `/./payments/callback/${ID}`,
      `/products/../payments/callback/${ID}`,
      `/%70ayments/callback/${ID}`,
      `/payments%2fcallback/${ID}`,
      `/payments%2Fcallback%2f${ID}`,
      `/%2e/payments/callback/${ID}`,
      `/products/%2e%2e/payments/callback/${ID}`,
      `/products/..%2fpayments/callback/${ID}`,
      `/payments/callback/${ID}?x=/../..`,
      `/payments/callback/${ID}#fragment`,
      `http://shop.example/payments/callback/${ID}`,
      `/.//payments/./callback/x/../${ID}`,
    ];
    for (const target of written) assert.deepEqual(await statuses(get(target)), [451], target);
    // What the origin would read as another path is no route here either.
    const others = [
      `/Payments/Callback/${ID}`,
      `/PAYMENTS/callback/${ID}`,
      `/%2570ayments/callback/${ID}`,
      `/payments;x=1/callback/${ID}`,
      `/payments\\callback\\${ID}`,
      `/payments/callback%00/${ID}`,
      "/payments/%zz",
      "/../payments",
    ];
    for (const target of others) {
      const [status, ...more] = await statuses(get(target));
      assert.ok((status === 400 || status === 404) && more.length === 0, `${target}: ${status}`);
    }
    assert.equal(origin.seen.length, 0);
  });

  test("nobody says by a header where they come from, but those whom the edge trusts", async () => {
    const spoofing = [
      `x-forwarded-for: ${SPOOFED}`,
      `forwarded: for=${SPOOFED};proto=https`,
      `x-real-ip: ${SPOOFED}`,
      `x-client-ip: ${SPOOFED}`,
      `true-client-ip: ${SPOOFED}`,
      `cf-connecting-ip: ${SPOOFED}`,
      `x-sluice-client-address: ${SPOOFED}`,
      "x-sluice-country: DE",
    ];
    // The test's own address is in no country.
    const request = (...fields: string[]) => [
      "GET /openapi.json HTTP/1.1",
      "host: x",
      "connection: close",
      ...fields,
    ];
    for (const field of spoofing) {
      assert.deepEqual(await statuses(request(field), "", untrusting), [403], field);
    }
    for (const field of spoofing.slice(1)) assert.deepEqual(await statuses(request(field)), [403], field);
    // Through a trusted proxy the right-most address that is not trusted counts, whatever stands before it.
    const chain = (value: string) => statuses(request(`x-forwarded-for: ${value}`));
    assert.deepEqual(await chain(`${FROM_GERMANY}, ${FROM_KOREA}`), [403]);
    assert.deepEqual(await chain(`${FROM_KOREA}, ${FROM_GERMANY}`), [200]);
    assert.deepEqual(await chain(`${FROM_GERMANY}, ${FROM_KOREA}, 127.0.0.1`), [403]);
    assert.deepEqual(await chain(`${FROM_GERMANY}, ${FROM_NOWHERE}`), [403]);
    assert.deepEqual(await chain("nonsense"), [403]);
    assert.deepEqual(
      await statuses(request(`x-forwarded-for: ${FROM_GERMANY}`, `x-forwarded-for: ${FROM_KOREA}`)),
      [403],
      "of two fields the last",
    );
    const headers = origin.seen.at(-1)?.headers ?? {};
    assert.equal(headers["x-forwarded-for"], FROM_GERMANY);
  });

  test("what the edge alone may say does not pass, whatever its case", async () => {
    const fields = ["X-Sluice-User: 1", "x-sluice-anything: 1", "X-SLUICE-COUNTRY: US"];
    assert.deepEqual(await statuses(get("/openapi.json", ...fields)), [200]);
    const names = (origin.seen[0]?.rawHeaders ?? []).filter((_, at) => at % 2 === 0);
    const ours = names.map((name) => name.toLowerCase()).filter((name) => name.startsWith("x-sluice-"));
    assert.deepEqual(ours.sort(), ["x-sluice-client-address", "x-sluice-country"]);
    assert.equal(origin.seen[0]?.headers["x-sluice-country"], "DE");
  });

  test("a PROXY line on a listener that speaks none is no request", async () => {
    const line = `PROXY TCP4 ${SPOOFED} 127.0.0.1 1234 80\r\n`;
    const text = await sendRaw(edge.port, `${line}${get("/openapi.json").join("\r\n")}\r\n\r\n`);
    assert.match(text, /^HTTP\/1\.1 400|"code":"request\.malformed"/);
    assert.equal(origin.seen.length, 0);
  });

  test("who speaks the PROXY protocol is believed when trusted, and only there", async () => {
    const request = (...fields: string[]) =>
      `GET /openapi.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;
    const announced = async (port: number, head: string, ...fields: string[]) =>
      statusesOf(await sendRaw(port, head + request(...fields)));
    const line = (address: string) => `PROXY TCP4 ${address} 127.0.0.1 1234 80\r\n`;
    assert.deepEqual(await announced(announcedPort, line(FROM_GERMANY)), [200]);
    assert.equal(origin.seen.at(-1)?.headers["x-forwarded-for"], FROM_GERMANY);
    assert.deepEqual(await announced(announcedPort, line(FROM_KOREA)), [403]);
    assert.deepEqual(await announced(announcedPort, binaryHead(FROM_GERMANY)), [200]);
    assert.deepEqual(await announced(announcedPort, binaryHead(FROM_KOREA)), [403]);
    // Nothing that the request says besides counts.
    const spoofed = `x-forwarded-for: ${SPOOFED}`;
    assert.deepEqual(await announced(announcedPort, line(FROM_KOREA), spoofed), [403]);
    // The test's own address is in no country: who isn't trusted is judged by it, whatever they announce.
    assert.deepEqual(await announced(unbelievedPort, line(SPOOFED)), [403]);
    assert.deepEqual(await announced(unbelievedPort, binaryHead(SPOOFED), spoofed), [403]);
    assert.deepEqual(await announced(announcedPort, "PROXY UNKNOWN\r\n"), [403]);
    // And no request is read from who announces nobody, or announces twice.
    const before = origin.seen.length;
    assert.deepEqual(await announced(announcedPort, "", spoofed), []);
    assert.deepEqual(await announced(announcedPort, "PROXY TCP4 nonsense\r\n"), []);
    assert.deepEqual(await announced(announcedPort, line(FROM_KOREA) + line(FROM_GERMANY)), [400]);
    assert.equal(origin.seen.length, before);
  });

  /** Version 2 of the PROXY protocol: signature, version and command, family, length, addresses and ports. */
  function binaryHead(address: string): string {
    const octets = (text: string) => text.split(".").map(Number);
    const head = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10, 0x21, 0x11, 0, 12];
    return Buffer.from([...head, ...octets(address), 127, 0, 0, 1, 4, 210, 0, 80]).toString("latin1");
  }

  test("lines that end or go on otherwise are one request to edge and origin, or none", async () => {
    const fields = ["host: shop.example", `x-forwarded-for: ${FROM_GERMANY}`, "connection: close"];
    const requestOf = (lines: string[], end: string) => `${lines.join(end)}${end}${end}`;
    // Bare LF (RFC 9112, 2.2, lets a server take it): what goes on is written anew, and the policy holds.
    const plain = requestOf(["GET /openapi.json HTTP/1.1", ...fields], "\n");
    assert.deepEqual(statusesOf(await sendRaw(edge.port, plain)), [200]);
    assert.equal(origin.seen.length, 1);
    assert.equal(origin.seen[0]?.headers["x-forwarded-for"], FROM_GERMANY);
    const denied = requestOf(["GET /.well-known/jwks.json HTTP/1.1", ...fields], "\n");
    assert.deepEqual(statusesOf(await sendRaw(edge.port, denied)), [403]);
    origin.seen.length = 0;
    // Chunks that end in bare LF hide no request: the origin gets the body with its length, or nothing.
    const hidden = `GET /.well-known/jwks.json HTTP/1.1\r\nhost: x\r\n\r\n`;
    const chunked = ["POST /auth/login HTTP/1.1", ...fields, "transfer-encoding: chunked"];
    for (const body of [
      `2\n{}\n0\n\n`,
      `2\r\n{}\n0\r\n\r\n${hidden}`,
      `2;x=\n\r\n{}\r\n0\r\n\r\n${hidden}`,
    ]) {
      const answered = statusesOf(await sendRaw(edge.port, requestOf(chunked, "\r\n") + body));
      assert.ok(answered.length === 1, `${JSON.stringify(body)}: ${answered}`);
      assert.ok(!origin.seen.some(({ url }) => url?.includes("jwks")), JSON.stringify(body));
    }
    for (const seen of origin.seen) assert.equal(seen.headers["transfer-encoding"], undefined);
    origin.seen.length = 0;
    const refused: [name: string, lines: string[]][] = [
      ["a folded field", ["x-one: 1", " two"]],
      ["a folded length", ["content-length:", " 2"]],
      ["a field folded by a tab", ["x-one: 1", "\ttwo"]],
      ["a fold right behind the request line", [" x-one: 1"]],
      ["a bare CR in a field", ["x-one: 1\rx-forwarded-for: 192.0.2.1"]],
      ["a NUL in a field", ["x-one: 1\0"]],
      ["a field without a name", [": 1"]],
      ["a coding behind a tab", ["transfer-encoding:\tchunked"]],
      ["a coding behind a vertical tab", ["transfer-encoding: \x0bchunked"]],
    ];
    for (const [name, more] of refused) {
      const lines = ["POST /auth/login HTTP/1.1", ...more, ...fields, "content-length: 2"];
      const answered = statusesOf(await sendRaw(edge.port, `${requestOf(lines, "\r\n")}{}`));
      assert.ok(
        answered.length === 1 && (answered[0] === 400 || answered[0] === 501),
        `${name}: ${answered}`,
      );
    }
    assert.equal(origin.seen.length, 0);
  });

  test("of a host in the request line and one in the field the origin gets the one that was decided by", async () => {
    const lines = (line: string, host: string) => [
      line,
      `host: ${host}`,
      `x-forwarded-for: ${FROM_GERMANY}`,
      "connection: close",
    ];
    const absolute = "GET http://shop.example/openapi.json HTTP/1.1";
    assert.deepEqual(await statuses(lines(absolute, "secret.example")), [200]);
    assert.equal(origin.seen[0]?.headers.host, "shop.example");
    assert.deepEqual(
      await statuses(lines("GET http://secret.example/openapi.json HTTP/1.1", "shop.example")),
      [404],
    );
    assert.deepEqual(await statuses(lines("GET /openapi.json HTTP/1.1", "SECRET.example:8080")), [404]);
    assert.equal(origin.seen.length, 1);
  });

  test("framing that two servers could read in two ways is refused, and nothing of it is passed on", async () => {
    const post = (...fields: string[]) => [
      "POST /auth/login HTTP/1.1",
      "host: shop.example",
      `x-forwarded-for: ${FROM_GERMANY}`,
      "content-type: application/json",
      ...fields,
    ];
    const hidden = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n";
    const cases: [name: string, lines: string[], body: string][] = [
      ["a length and chunks", post("content-length: 5", "transfer-encoding: chunked"), `0\r\n\r\n${hidden}`],
      ["chunks and a length", post("transfer-encoding: chunked", "content-length: 5"), `0\r\n\r\n${hidden}`],
      ["two lengths", post("content-length: 2", "content-length: 40"), `{}${hidden}`],
      ["two equal lengths", post("content-length: 2", "content-length: 2"), "{}"],
      ["a list of lengths", post("content-length: 2, 2"), "{}"],
      ["a length with a sign", post("content-length: +2"), "{}"],
      ["a negative length", post("content-length: -1"), ""],
      ["a length in hexadecimal", post("content-length: 0x2"), "{}"],
      [
        "chunked twice",
        post("transfer-encoding: chunked", "transfer-encoding: chunked"),
        `0\r\n\r\n${hidden}`,
      ],
      ["an unknown coding", post("transfer-encoding: gzip, chunked"), `0\r\n\r\n${hidden}`],
      ["identity", post("transfer-encoding: identity", "content-length: 2"), "{}"],
      ["a coding with a mark", post("transfer-encoding: xchunked"), `0\r\n\r\n${hidden}`],
      ["a chunk without a size", post("transfer-encoding: chunked"), `\r\n{}\r\n0\r\n\r\n`],
      ["a chunk of a size that is none", post("transfer-encoding: chunked"), `zz\r\n{}\r\n0\r\n\r\n`],
      ["a space before the colon", post("content-length : 2"), "{}"],
      ["a space in a name", post("content length: 2"), "{}"],
      ["two hosts", post("host: other.example", "content-length: 2"), "{}"],
    ];
    for (const [name, lines, body] of cases) {
      const answered = await statuses(lines, body);
      assert.ok(
        answered.length === 1 && (answered[0] === 400 || answered[0] === 501),
        `${name}: ${answered}`,
      );
      assert.equal(origin.seen.length, 0, name);
    }
  });
});
