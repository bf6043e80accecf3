import assert from "node:assert/strict";
import { test } from "node:test";
import { edgePath } from "./edge-path.ts";

const read: [target: string, path: string][] = [
  ["//", "/"],
  ["//orders", "/orders"],
  ["/orders//7///", "/orders/7/"],
  ["/.", "/"],
  ["/./orders", "/orders"],
  ["/orders/.", "/orders/"],
  ["/a/b/..", "/a/"],
  ["/a/b/../", "/a/"],
  ["/a/..", "/"],
  ["/a/../b", "/b"],
  ["/a//../b", "/b"],
  ["/%6frders", "/orders"],
  ["/a%2fb", "/a/b"],
  ["/a%2F%2Fb", "/a/b"],
  ["/a/%2e%2E/b", "/b"],
  ["/%252e", "/%2e"],
  ["/a%3Fb", "/a?b"],
  ["/a%23b", "/a#b"],
  ["/a%20b", "/a b"],
  ["/caf%C3%A9", "/café"],
  ["/orders#part", "/orders"],
  ["/orders#part?x", "/orders"],
  ["//orders?x=//", "/orders"],
];

for (const [target, path] of read) {
  test(`${target} is ${path} to the edge, and not plain`, () => {
    assert.deepEqual(edgePath(target), { outcome: "read", path, plain: false });
  });
}

for (const path of [
  "/",
  "/orders",
  "/orders/",
  "/orders/7/pay",
  "/...",
  "/.a",
  "/a..",
  "/..a",
  "/a+b",
  "/café",
]) {
  test(`${path} is plain, with a query or without`, () => {
    for (const query of ["", "?", "?x=/../%zz", "??"]) {
      assert.deepEqual(edgePath(path + query), { outcome: "read", path, plain: true });
    }
  });
}

for (const target of [
  "/..",
  "//..",
  "/a/../..",
  "/%2e%2e",
  "/%",
  "/%a",
  "/%zz",
  "/a%00",
  "/a b",
  "/a\tb",
  "/\x7f",
]) {
  test(`${JSON.stringify(target)} can't be read`, () => {
    assert.deepEqual(edgePath(target), { outcome: "unreadable" });
  });
}
