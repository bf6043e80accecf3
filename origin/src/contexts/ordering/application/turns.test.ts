import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "../../../kernel/errors.ts";
import { createTurns } from "./turns.ts";

const turnOfTheLoop = () => new Promise(setImmediate);

test("so many steps of one buyer at once, the others in the order of their coming; failures hand on as well", async () => {
  const take = createTurns({ atOnce: 2, waitingMax: 3, waitMs: 60_000 });
  const ends: PromiseWithResolvers<void>[] = [];
  const began: string[] = [];
  const step = (userId: number, name: string) =>
    take(userId, async () => {
      began.push(name);
      const end = Promise.withResolvers<void>();
      ends.push(end);
      await end.promise;
      return name;
    });
  const steps = ["a", "b", "c", "d", "e"].map((name) => step(1, name));
  const other = step(2, "another's");
  await turnOfTheLoop();
  assert.deepEqual(began, ["a", "b", "another's"], "nobody waits for another buyer");
  await assert.rejects(step(1, "one too many"), (error) => {
    assert.ok(error instanceof Refusal);
    return error.definition.code === "order.steps_crowded";
  });

  ends[0]?.reject(new Error("it failed"));
  await assert.rejects(steps[0] as Promise<string>, /it failed/);
  await turnOfTheLoop();
  assert.deepEqual(began.slice(3), ["c"]);
  for (let index = 1; index < 6; index++) {
    ends[index]?.resolve();
    await turnOfTheLoop();
  }
  assert.deepEqual(await Promise.all([...steps.slice(1), other]), ["b", "c", "d", "e", "another's"]);
  const later = step(1, "later");
  await turnOfTheLoop();
  ends.at(-1)?.resolve();
  assert.equal(await later, "later", "nothing is left of those before");
});

test("who has waited for too long is refused and never begun; those behind it come to their turn", async () => {
  const take = createTurns({ atOnce: 1, waitingMax: 3, waitMs: 20 });
  const end = Promise.withResolvers<void>();
  const began: string[] = [];
  const step = (name: string) =>
    take(1, async () => {
      began.push(name);
      return name;
    });
  const hanging = take(1, () => end.promise);
  await assert.rejects(step("too late"), (error) => {
    assert.ok(error instanceof Refusal);
    return error.definition.code === "order.steps_crowded" && error.details.headers?.["retry-after"] === "1";
  });
  const next = step("next");
  end.resolve();
  await hanging;
  assert.equal(await next, "next");
  assert.deepEqual(began, ["next"]);
});
