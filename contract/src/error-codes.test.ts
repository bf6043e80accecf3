import assert from "node:assert/strict";
import { test } from "node:test";
import * as module from "./error-codes.ts";

test("EDGE_PROBLEMS lists every problem of this module, each code once", () => {
  const exported = Object.values(module).filter((value) => typeof value === "object" && "code" in value);
  assert.deepEqual(new Set(module.EDGE_PROBLEMS), new Set(exported));
  const codes = module.EDGE_PROBLEMS.map(({ code }) => code);
  assert.equal(new Set(codes).size, codes.length);
});

test("codes and statuses have their form", () => {
  for (const { code, status, title } of module.EDGE_PROBLEMS) {
    assert.match(code, /^[a-z]+(\.[a-z_]+)+$/);
    assert.ok(status >= 400 && status <= 599, code);
    assert.match(title, /^[A-Z].*[^.]$/);
  }
});
