import assert from "node:assert/strict";
import { test } from "node:test";
import type { Refusal } from "./errors.ts";
import { groupCommit } from "./group-commit.ts";

const crowded = { code: "test.crowded", status: 503, title: "A crowd" };

/** Batches that end when the test says so. */
function heldBatches() {
  const batches: { items: readonly number[]; end: () => void; fail: (error: Error) => void }[] = [];
  let wake = () => {};
  const run = (items: readonly number[]) =>
    new Promise<string[]>((resolve, fail) => {
      batches.push({ items, end: () => resolve(items.map((item) => `answer ${item}`)), fail });
      wake();
    });
  const started = async (count: number) => {
    while (batches.length < count) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return batches[count - 1] as (typeof batches)[number];
  };
  return { run, started };
}

test("what comes in one turn is one batch; what comes while it runs is the next, in order, bounded", async () => {
  const { run, started } = heldBatches();
  const place = groupCommit(run, { batchMax: 3, runningMax: 1, patienceMs: 60_000, waitingMax: 10, crowded });
  const first = [1, 2].map(place);
  const one = await started(1);
  assert.deepEqual(one.items, [1, 2]);
  const later = [3, 4, 5, 6].map(place);
  one.end();
  assert.deepEqual(await Promise.all(first), ["answer 1", "answer 2"]);
  const two = await started(2);
  assert.deepEqual(two.items, [3, 4, 5]);
  two.end();
  (await started(3)).end();
  assert.deepEqual(await Promise.all(later), ["answer 3", "answer 4", "answer 5", "answer 6"]);
});

test("a batch that fails fails its own, and the next one runs", async () => {
  const { run, started } = heldBatches();
  const place = groupCommit(run, { batchMax: 2, runningMax: 1, patienceMs: 60_000, waitingMax: 10, crowded });
  const placed = Promise.allSettled([1, 2, 3].map(place));
  (await started(1)).fail(new Error("away"));
  (await started(2)).end();
  const outcomes = (await placed).map((one) => (one.status === "fulfilled" ? one.value : one.reason.message));
  assert.deepEqual(outcomes, ["away", "away", "answer 3"]);
});

test("when as many wait as may, the next hears that it should come again", async () => {
  const { run, started } = heldBatches();
  const place = groupCommit(run, { batchMax: 1, runningMax: 1, patienceMs: 60_000, waitingMax: 1, crowded });
  const running = place(1);
  const batch = await started(1);
  const waiting = place(2);
  await assert.rejects(place(3), (refusal: Refusal) => {
    assert.equal(refusal.definition.code, "test.crowded");
    assert.deepEqual(refusal.details.headers, { "retry-after": "1" });
    return true;
  });
  batch.end();
  (await started(2)).end();
  assert.deepEqual(await Promise.all([running, waiting]), ["answer 1", "answer 2"]);
});

test("beside a batch that runs, another starts when it is full, and no third", async () => {
  const { run, started } = heldBatches();
  const place = groupCommit(run, { batchMax: 2, runningMax: 2, patienceMs: 60_000, waitingMax: 10, crowded });
  const first = place(1);
  const one = await started(1);
  const others = [2, 3, 4, 5].map(place);
  const two = await started(2);
  assert.deepEqual(two.items, [2, 3]);
  one.end();
  assert.equal(await first, "answer 1");
  const three = await started(3);
  assert.deepEqual(three.items, [4, 5]);
  two.end();
  three.end();
  assert.deepEqual(await Promise.all(others), ["answer 2", "answer 3", "answer 4", "answer 5"]);
});

test("a batch that hangs holds nobody up for longer than their patience", async () => {
  const { run, started } = heldBatches();
  const place = groupCommit(run, { batchMax: 2, runningMax: 2, patienceMs: 20, waitingMax: 10, crowded });
  const stuck = place(1);
  const hanging = await started(1);
  const other = place(2);
  const two = await started(2);
  assert.deepEqual(two.items, [2]);
  two.end();
  assert.equal(await other, "answer 2");
  hanging.end();
  assert.equal(await stuck, "answer 1");
});

test("what has waited for too long is refused, and never becomes part of a batch", async () => {
  const { run, started } = heldBatches();
  const limits = { batchMax: 2, runningMax: 1, patienceMs: 60_000, waitingMax: 10, crowded };
  const place = groupCommit(run, { ...limits, waitMaxMs: 30 });
  const running = place(1);
  const hanging = await started(1);
  const outcomes = await Promise.allSettled([2, 3].map(place));
  assert.deepEqual(
    outcomes.map((one) => (one.status === "rejected" ? one.reason.definition.code : one.value)),
    ["test.crowded", "test.crowded"],
  );
  const later = place(4);
  hanging.end();
  assert.equal(await running, "answer 1", "whoever is being served waits for the end of it");
  const next = await started(2);
  assert.deepEqual(next.items, [4]);
  next.end();
  assert.equal(await later, "answer 4");
});
