import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { type EdgeUnderTest, FROM_GERMANY, FROM_KOREA, FROM_NOWHERE, startEdge } from "./edge-under-test.ts";
import { sendRaw } from "./http.ts";
import { type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
import { type RedisUnderTest, startRedis } from "./redis-under-test.ts";

const ID = "0190f3a2-7b6c-7d4e-8f90-a1b2c3d4e5f6";
/** No address of a client, and none that anybody trusts. */
const SPOOFED = FROM_GERMANY;

describe("there is no way around the policy", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;
  let untrusting: EdgeUnderTest;

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
        { id: "nowhere", match: { country: ["ZZ"] }, action: "deny", mode: "enforce" },
        { id: "no-kp", match: { country: ["KP"] }, action: "deny", mode: "enforce" },
      ],
      default: "allow",
    });
    edge = await startEdge({ redisPort: redis.port, originPort: origin.port });
    untrusting = await startEdge({
      redisPort: redis.port,
      originPort: origin.port,
      env: { EDGE_TRUSTED_PROXIES: "" },
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
    const text = await sendRaw(to.port, `${lines.join("\r\n")}\r\n\r\n${body}`);
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
