import assert from "node:assert/strict";
import { test } from "node:test";
import { Timeline } from "./timeline.ts";

test("an answer is late by the time since the change was done that makes it wrong", () => {
  const timeline = new Timeline(false);
  const done = timeline.begin(true, 100);
  // On its way: both are right.
  assert.equal(timeline.latenessMs(false, 105, 108), 0);
  assert.equal(timeline.latenessMs(true, 105, 108), 0);
  done(110);
  assert.equal(timeline.latenessMs(false, 115, 118), 5);
  assert.equal(timeline.latenessMs(true, 115, 118), 0);
  // Asked before it was done, answered after.
  assert.equal(timeline.latenessMs(false, 109, 130), 0);
  // Nothing had begun.
  assert.equal(timeline.latenessMs(true, 90, 99), Number.POSITIVE_INFINITY);
});

test("a change back and forth makes older answers right again", () => {
  const timeline = new Timeline(false);
  timeline.begin(true, 100)(110);
  timeline.begin(false, 200)(210);
  assert.equal(timeline.latenessMs(false, 300, 301), 0);
  assert.equal(timeline.latenessMs(true, 300, 301), 90);
  timeline.begin(true, 400)(410);
  assert.equal(timeline.latenessMs(false, 450, 451), 40);
});
