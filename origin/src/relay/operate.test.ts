import assert from "node:assert/strict";
import { test } from "node:test";
import { statusText } from "./operate.ts";
import type { RelayStatus } from "./status.ts";

const differing = (counts: readonly number[]) =>
  [0, 50, 500, 5_000].map((ageMs, index) => ({ ageMs, count: counts[index] ?? 0 }));

const status: RelayStatus = {
  atMs: 1_796_083_200_000,
  state: "following",
  epoch: "an-epoch",
  position: "0-1-4711",
  behindMs: 1_250,
  behindBytes: 90_210,
  rows: 123_456,
  rowsPerSecond: 7_890,
  queues: { bufferedRows: 11, batchesInFlight: 3, messages: 222 },
  fills: { products: { revision: 1, after: 4_000 }, stock: { revision: 2 } },
  filters: [{ filter: "products", building: false, bytes: 1_800, falsePositives: 0.001_07 }],
  coherence: { sampled: 640, differing: differing([9, 4, 1, 0]) },
  pages: { sampled: 81, differing: differing([7, 6, 5, 2]) },
  lastError: { atMs: 1_796_083_100_000, message: "the stream was silent" },
};

test("people are told everything that a relay says of itself", () => {
  const lines = statusText(status).split("\n");
  const said = (name: string) => lines.find((line) => line.startsWith(name)) ?? "";
  assert.match(said("state"), /following/);
  assert.match(said("behind"), /1\.25 s, 90210 bytes/);
  assert.match(said("rows"), /123456, 7890\/s/);
  assert.match(said("queues"), /11 rows, 3 batches, 222 messages/);
  assert.match(said("position"), /0-1-4711/);
  assert.match(said("epoch"), /an-epoch/);
  assert.match(said("filling"), /products \(after 4000\)$/);
  assert.match(said("filters"), /products: 1800 bytes, 0\.11 % of other ids pass/);
  assert.match(said("sampled"), /640 rows in Redis.* 9 for 0 ms, 4 for 50 ms, 1 for 500 ms, 0 for 5000 ms/);
  assert.match(
    lines.join(),
    /81 pages in edge workers.* 7 for 0 ms, 6 for 50 ms, 5 for 500 ms, 2 for 5000 ms/,
  );
  assert.match(said("last error"), /2026-11-30T23:58:20\.000Z the stream was silent/);
});

test("what is not known is said so", () => {
  const text = statusText({
    ...status,
    behindMs: null,
    behindBytes: null,
    lastError: null,
    filters: [],
    fills: {},
  });
  assert.match(text, /behind +\? s, \? bytes/);
  assert.match(text, /last error +-/);
  assert.equal(statusText(undefined), "no relay leads");
});
