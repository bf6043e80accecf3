import assert from "node:assert/strict";
import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { GeoReport, WorkerGeoReport } from "@sluice/contract/geo-report.ts";
import { geoReportsKey } from "@sluice/contract/keys.ts";
import { mmdbOf } from "../../contract/cases/mmdb.ts";
import { type EdgeUnderTest, startEdge } from "./edge-under-test.ts";
import { type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { type Started, start, until } from "./processes.ts";
import { PREFIX, type RedisUnderTest, startRedis } from "./redis-under-test.ts";

const CHECKOUT = new URL("../..", import.meta.url).pathname;
const LOGIN = "/auth/login";
const MOVED = "46.4.0.1";
const MOVED_IPV6 = "2a01:4f8::1";
const HOSTED = "94.130.0.1";

describe("geo data", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;
  let compiler: Started;
  let countryFile: string;
  let asnFile: string;
  let tables: string;

  before(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    await redis.ready("1");
    edge = await startEdge({ redisPort: redis.port, originPort: origin.port, workers: 2 });
    await edge.untilFollowing();
    tables = join(edge.folder, "geo");
    countryFile = join(edge.folder, "country.mmdb");
    asnFile = join(edge.folder, "asn.mmdb");
    writeFileSync(countryFile, cities("DE"));
    writeFileSync(asnFile, networks(64_500));
    const files = ["--out", tables, "--country", countryFile, "--asn", asnFile];
    compiler = start(process.execPath, ["edge/geo/main.ts", "follow", ...files], CHECKOUT);
    await redis.policy(1, {
      rules: [
        { id: "no-fr", match: { country: ["FR"] }, action: "deny", mode: "enforce" },
        {
          id: "no-host",
          match: { asn: [64_501, 4_200_000_000] },
          action: "deny",
          mode: "enforce",
          status: 451,
        },
        { id: "no-stranger", match: { asn: [0] }, action: "deny", mode: "enforce", status: 404 },
      ],
      default: "allow",
    });
    await everywhere([MOVED, 200], [MOVED_IPV6, 200], [HOSTED, 200]);
  });

  after(async () => {
    await compiler?.stop("SIGTERM");
    await edge?.close();
    await origin?.close();
    await redis?.close();
  });

  const replace = (file: string, content: Buffer) => {
    writeFileSync(`${file}.new`, content);
    renameSync(`${file}.new`, file);
  };

  /** Every worker answers so: twenty requests in a row, each on a connection of its own. */
  async function everywhere(...expected: [address: string, status: number][]): Promise<void> {
    await until(expected.map(([address, status]) => `${address} gets ${status}`).join(", "), async () => {
      for (const [address, status] of expected) {
        for (let i = 0; i < 20; i++) {
          if ((await edge.from(address, LOGIN, { method: "POST" })).status !== status) return false;
        }
      }
      return true;
    });
  }

  async function told(): Promise<{ report: GeoReport | undefined; workers: WorkerGeoReport[] }> {
    const fields = Object.entries(await redis.client.hgetall(geoReportsKey(PREFIX)));
    const said = fields.map(
      ([field, value]) => [field, JSON.parse(value.slice(value.indexOf(" ") + 1))] as const,
    );
    return {
      report: said.find(([field]) => !field.includes("|"))?.[1],
      workers: said.filter(([field]) => field.includes("|")).map(([, worker]) => worker),
    };
  }

  test("a file that is replaced is in force in every worker, IPv4 and IPv6, without a reload", async () => {
    const pids = (await told()).workers.map(({ pid }) => pid).sort();
    replace(countryFile, cities("FR"));
    await everywhere([MOVED, 403], [MOVED_IPV6, 403], [HOSTED, 200]);
    replace(countryFile, cities("DE"));
    await everywhere([MOVED, 200], [MOVED_IPV6, 200]);
    const { report, workers } = await until("all have told", async () => {
      const now = await told();
      const table = now.report?.country.source?.table;
      return now.workers.length === 2 && now.workers.every(({ country }) => country === table) && now;
    });
    assert.equal(report?.country.source?.type, "Test-City");
    assert.deepEqual(workers.map(({ pid }) => pid).sort(), pids, "by the same workers");
  });

  test("a file that is copied into its place and not renamed is, too", async () => {
    writeFileSync(countryFile, cities("FR"));
    await everywhere([MOVED, 403]);
    writeFileSync(countryFile, cities("DE"));
    await everywhere([MOVED, 200]);
  });

  test("rules see the network, of 16 and of 32 bits, and the one that is not known", async () => {
    for (const [number, status] of [
      [64_501, 451],
      [4_200_000_000, 451],
      [64_500, 200],
    ] as const) {
      replace(asnFile, networks(number));
      await everywhere([MOVED, status], [HOSTED, 200]);
    }
    assert.equal((await edge.from("8.8.8.8", LOGIN, { method: "POST" })).status, 404);
  });

  test("a file that is cut short is told of, and so is one that is gone; the data before stay", async () => {
    const whole = cities("FR");
    replace(countryFile, whole.subarray(0, whole.length / 2));
    await until("the compiler says so", () =>
      /country: .*is no whole file.*the table before it stays/.test(compiler.output()),
    );
    await until("the report says so", async () =>
      /is no whole file/.test((await told()).report?.country.problem ?? ""),
    );
    rmSync(countryFile);
    await until("the report says so", async () =>
      /is not there/.test((await told()).report?.country.problem ?? ""),
    );
    await everywhere([MOVED, 200]);
    replace(countryFile, whole);
    await everywhere([MOVED, 403]);
    await until("nothing is wrong any more", async () => (await told()).report?.country.problem === null);
    replace(countryFile, cities("DE"));
    await everywhere([MOVED, 200]);
  });

  test("a table that is damaged is told of and not used, also when it is damaged where it lies", async () => {
    const table = join(tables, "country.bin");
    const whole = readFileSync(table);
    copyFileSync(table, `${table}.kept`);
    replace(
      table,
      Buffer.concat([Buffer.from("SLGEO3\n\0"), whole.subarray(8, 40), Buffer.alloc(whole.length - 40)]),
    );
    await until("a worker says so", () =>
      /country.bin is cut short or damaged; the table before it stays/.test(edge.log()),
    );
    writeFileSync(table, whole.subarray(0, 40));
    writeFileSync(table, "");
    await everywhere([MOVED, 200], [MOVED_IPV6, 200]);
    renameSync(`${table}.kept`, table);
  });

  test("a worker that takes the place of a killed one has the data of now", async () => {
    replace(countryFile, cities("FR"));
    await everywhere([MOVED, 403]);
    const before = (await told()).workers.map(({ pid }) => pid);
    process.kill(before[0] as number, "SIGKILL");
    await until("another worker has told", async () =>
      (await told()).workers.some(({ pid }) => !before.includes(pid)),
    );
    await everywhere([MOVED, 403]);
    await edge.untilReady();
  });
});

function cities(code: string): Buffer {
  const city = { city: { names: { en: "somewhere" } }, country: { iso_code: code } };
  return mmdbOf({ "46.4.0.0/16": city, "2a01:4f8::/32": city }, { type: "Test-City" });
}

function networks(number: number): Buffer {
  const network = (autonomous_system_number: number) => ({ autonomous_system_number });
  return mmdbOf(
    { "46.4.0.0/16": network(number), "94.130.0.0/16": network(64_500), "2a01:4f8::/32": network(64_500) },
    { type: "Test-ASN" },
  );
}
