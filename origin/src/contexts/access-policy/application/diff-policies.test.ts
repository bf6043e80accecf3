import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicyDocument, PolicyRule } from "@sluice/contract/policy/document.ts";
import { diffPolicies } from "./diff-policies.ts";

const rule = (id: string, more: Partial<PolicyRule> = {}): PolicyRule => ({
  id,
  match: {},
  action: "deny",
  mode: "enforce",
  ...more,
});
const policy = (...rules: PolicyRule[]): PolicyDocument => ({ rules, default: "allow" });
const same = { default: undefined, added: [], removed: [], changed: [], moved: [] };

test("a document differs in nothing from itself", () => {
  const one = policy(rule("a", { match: { country: ["KP"], not: { method: ["GET"] } } }), rule("b"));
  assert.deepEqual(diffPolicies(one, structuredClone(one)), same);
});

test("rules come and go, and the default changes", () => {
  const diff = diffPolicies(policy(rule("a"), rule("b")), {
    ...policy(rule("b"), rule("c")),
    default: "deny",
  });
  assert.deepEqual(diff, {
    ...same,
    default: { from: "allow", to: "deny" },
    added: [rule("c")],
    removed: [rule("a")],
  });
});

test("of a rule that both have, what changed is told member by member", () => {
  const before = rule("a", { match: { country: ["KP"], not: { method: ["GET"] } }, note: "trial" });
  const after = rule("a", { match: { country: ["KP", "IR"] }, mode: "observe", note: "trial" });
  assert.deepEqual(diffPolicies(policy(before), policy(after)).changed, [
    {
      id: "a",
      members: [
        { member: "match.country", from: ["KP"], to: ["KP", "IR"] },
        { member: "match.not.method", from: ["GET"], to: undefined },
        { member: "mode", from: "enforce", to: "observe" },
      ],
    },
  ]);
});

test("of a new order the fewest moves are told, and rules that came or went move nobody", () => {
  const before = policy(...["gone", "a", "b", "c", "d"].map((id) => rule(id)));
  const after = policy(...["new", "d", "a", "b", "c"].map((id) => rule(id)));
  assert.deepEqual(diffPolicies(before, after).moved, [{ id: "d", from: 3, to: 0 }]);
});
