import assert from "node:assert/strict";
import { test } from "node:test";
import { instantAfter } from "./duration.ts";

const now = new Date("2026-01-31T10:00:00.000Z");

test("a duration is added in its unit", () => {
  const cases: [string, string][] = [
    ["45s", "2026-01-31T10:00:45.000Z"],
    ["30m", "2026-01-31T10:30:00.000Z"],
    ["12h", "2026-01-31T22:00:00.000Z"],
    ["7d", "2026-02-07T10:00:00.000Z"],
  ];
  for (const [duration, instant] of cases) assert.equal(instantAfter(duration, now), instant);
});

test("what is no duration is refused with an example", () => {
  for (const text of ["", "7", "-1h", "1w", "1h30m", "9999999d"]) {
    assert.throws(() => instantAfter(text, now), /say it like 30m/);
  }
});
