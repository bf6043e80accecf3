import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { GeoReport, GeoSource } from "@sluice/contract/geo-report.ts";
import { pino } from "pino";
import { mmdbOf } from "../../../../contract/cases/mmdb.ts";
import { until } from "../../../test/until.ts";
import { geoStatus } from "./application/geo-status.ts";
import type { OriginGeo } from "./application/ports.ts";
import { openGeoFiles } from "./infrastructure/geo-files.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-geo-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const silent = pino({ level: "silent" });

const cities = (code: string) =>
  mmdbOf({ "46.0.0.0/8": { city: {}, country: { iso_code: code } } }, { type: "Test-City", ipVersion: 4 });
const networks = (number: number) =>
  mmdbOf({ "46.0.0.0/8": { autonomous_system_number: number } }, { type: "Test-ASN" });

function put(name: string, content: Buffer): string {
  const path = join(folder, name);
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
  return path;
}

test("the api follows the files; while one is broken, of another kind or gone, it goes by the one before", async () => {
  const country = put("country.mmdb", cities("DE"));
  const asn = put("asn.mmdb", networks(64_500));
  const geo = await openGeoFiles({ country, asn }, silent);
  const seen = () => [geo.countryOf("46.4.0.1"), geo.asnOf("46.4.0.1")];
  const problem = () => geo.state().country.problem ?? "";
  try {
    assert.deepEqual(seen(), ["DE", 64_500]);
    assert.deepEqual(
      [geo.countryOf("10.0.0.1"), geo.asnOf("10.0.0.1"), geo.countryOf("2a01::1")],
      ["ZZ", 0, "ZZ"],
    );
    assert.equal(geo.state().country.type, "Test-City");
    put("country.mmdb", cities("FR"));
    put("asn.mmdb", networks(4_200_000_000));
    await until("both are in use", async () => String(seen()) === "FR,4200000000");
    const whole = cities("IT");
    put("country.mmdb", whole.subarray(0, whole.length - 40));
    await until("it is told", async () => /country.mmdb is no whole file/.test(problem()));
    put("country.mmdb", networks(1));
    await until("it is told", async () => /holds no country \(its type is "Test-ASN"\)/.test(problem()));
    rmSync(country);
    await until("it is told", async () => /can't be read/.test(problem()));
    assert.deepEqual(seen(), ["FR", 4_200_000_000]);
    put("country.mmdb", whole);
    await until("it is in use", async () => geo.countryOf("46.4.0.1") === "IT");
    assert.equal(problem(), "");
  } finally {
    await geo.close();
  }
});

test("an api without usable files starts, and knows no country", async () => {
  const geo = await openGeoFiles({ country: join(folder, "none.mmdb"), asn: "" }, silent);
  assert.deepEqual([geo.countryOf("46.4.0.1"), geo.asnOf("46.4.0.1"), geo.hasNetworks()], ["ZZ", 0, false]);
  assert.match(geo.state().country.problem ?? "", /can't be read/);
  await geo.close();
});

const nowMs = 1_800_000_000_000;
const source: GeoSource = {
  sha256: "ab",
  type: "Test-City",
  builtAtMs: nowMs - 86_400_000,
  compiledAtMs: nowMs,
  ipv4: 1,
  ipv6: 1,
  table: "new",
};
const sound: OriginGeo = {
  country: { file: "/c", problem: null, type: "Test-City", builtAtMs: 0 },
  asn: null,
};
const report: GeoReport = { country: { file: "/c", problem: null, source }, asn: null };

async function statusOf(told: Record<string, unknown>, atMs = nowMs, origin = sound) {
  const fields = Object.entries(told).map(([field, said]) => [field, `${atMs} ${JSON.stringify(said)}`]);
  return geoStatus(
    async () => Object.fromEntries(fields),
    origin,
    () => nowMs,
  );
}

test("all is well when every worker has the latest table", async () => {
  const worker = { pid: 7, country: "new", asn: "" };
  const { healthy, edges } = await statusOf({
    "a:80": report,
    "a:80|1": worker,
    "a:80|0": { ...worker, pid: 6 },
  });
  assert.equal(healthy, true);
  assert.deepEqual(
    edges.map(({ edge, workers }) => [edge, workers.map(({ worker, pid }) => [worker, pid])]),
    [
      [
        "a:80",
        [
          [0, 6],
          [1, 7],
        ],
      ],
    ],
  );
});

test("a worker behind, a broken file at an edge or here, and silence are not well", async () => {
  const worker = { pid: 7, country: "new", asn: "" };
  const behind = await statusOf({ "a:80": report, "a:80|0": { ...worker, country: "old" } });
  assert.deepEqual([behind.healthy, behind.edges[0]?.workers[0]?.country], [false, "behind"]);
  const broken = { ...report, country: { ...report.country, problem: "/c is cut short" } };
  assert.equal((await statusOf({ "a:80": broken, "a:80|0": worker })).healthy, false);
  const faulty = { ...sound, country: { ...sound.country, problem: "/c is cut short" } };
  assert.equal((await statusOf({ "a:80": report, "a:80|0": worker }, nowMs, faulty)).healthy, false);
  const late = await statusOf({ "a:80": report, "a:80|0": worker }, nowMs - 60_000);
  assert.deepEqual([late.healthy, late.edges], [false, []]);
});

test("while Redis is away nobody knows", async () => {
  await assert.rejects(
    geoStatus(
      async () => undefined,
      sound,
      () => nowMs,
    ),
    /Redis/,
  );
});
