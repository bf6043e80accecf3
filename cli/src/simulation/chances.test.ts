import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chancesOf, hasAdvantage } from "./chances.ts";
import type { Kind, Stay } from "./tally.ts";

const START = 1_000_000;

function stays(kind: Kind, count: number, fromMs: number, untilMs: number, won = false): Stay[] {
  return Array.from({ length: count }, () => ({
    ...{ kind, won, fromMs: START + fromMs, untilMs: START + untilMs },
  }));
}

describe("what each kind of buyers should have bought", () => {
  test("a piece is shared out among those who were there when it went", () => {
    const chances = chancesOf(
      [
        ...stays("honest", 1, 0, 500, true),
        ...stays("honest", 2, 0, 900),
        ...stays("bot", 1, -1_000, 900),
        // Too late for the piece, and too early.
        ...stays("honest", 50, 700, 900),
        ...stays("bot", 50, 0, 300),
      ],
      START,
    );
    assert.deepEqual(chances.honest, { bought: 1, expected: 0.75 });
    assert.deepEqual(chances.bot, { bought: 0, expected: 0.25 });
  });

  test("who comes at the start has more of it, without any advantage", () => {
    const early = stays("bot", 10, 0, 10_000);
    const sold = Array.from({ length: 100 }, (_, n) => stays(n < 50 ? "bot" : "honest", 1, 0, 100, true));
    const { bot } = chancesOf([...early, ...sold.flat(), ...stays("honest", 1_000, 5_000, 10_000)], START);
    assert.equal(bot.bought, 50);
    assert(bot.expected > 50 && !hasAdvantage(bot), `${bot.expected}`);
  });

  test("the denied are nobody who could have bought", () => {
    const { honest } = chancesOf([...stays("honest", 1, 0, 50, true), ...stays("denied", 9, 0, 900)], START);
    assert.deepEqual(honest, { bought: 1, expected: 1 });
  });
});

test("an advantage is what chance does not explain", () => {
  assert(!hasAdvantage({ bought: 5, expected: 2 }), "a few pieces say nothing");
  assert(!hasAdvantage({ bought: 140, expected: 100 }), "within the bound");
  assert(hasAdvantage({ bought: 200, expected: 100 }), "twice as much of many");
});
