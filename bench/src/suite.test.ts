import assert from "node:assert/strict";
import { test } from "node:test";
import { median } from "./suite.ts";
import { formatTable } from "./table.ts";

test("the median of an odd and of an even number of samples", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([9, 1, 5, 100]), 7);
  assert.equal(median([3]), 3);
  assert.throws(() => median([]), /needs a sample/);
});

test("the table marks the reference and aligns its columns", () => {
  const figure = { suite: "s", unit: "requests/s", reference: "bare" };
  const table = formatTable([
    { ...figure, name: "bare", value: 64_000, ratio: 1, samples: [60_000, 64_000, 65_000] },
    { ...figure, name: "all checks", value: 9.5, ratio: 0.5, samples: [9, 9.5, 10] },
  ]);
  assert.equal(
    table,
    [
      "            median  unit            ratio  lowest  highest",
      "bare        64,000  requests/s  reference  60,000   65,000",
      "all checks    9.50  requests/s       0.50    9.00     10.0",
    ].join("\n"),
  );
});
