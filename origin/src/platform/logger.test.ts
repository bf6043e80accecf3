import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "./logger.ts";

function logged(record: object): string {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) } as unknown as NodeJS.WritableStream;
  createLogger("test", "info", destination).info(record, "said");
  return lines.join("");
}

for (const record of [
  { password: "hunter2" },
  { body: { password: "hunter2" } },
  { request: { body: { refreshToken: "hunter2" } } },
  { request: { headers: { authorization: "Bearer hunter2" } } },
  { request: { headers: { cookie: "hunter2" } } },
  { a: { b: { c: { accessToken: "hunter2" } } } },
  { config: { url: "mysql://root:hunter2@db/x" } },
  { err: Object.assign(new Error("it failed"), { sql: "INSERT INTO users VALUES ('hunter2')" }) },
  { keys: { privateKey: "hunter2" } },
]) {
  test(`${JSON.stringify(record)} is logged without its secret`, () => {
    const line = logged(record);
    assert.doesNotMatch(line, /hunter2/);
    assert.match(line, /\[redacted\]/);
  });
}

test("a line is JSON with its role, its time and what was said", () => {
  const line = JSON.parse(logged({ orderId: "o-1" }));
  assert.deepEqual(
    { role: line.role, msg: line.msg, orderId: line.orderId },
    { role: "test", msg: "said", orderId: "o-1" },
  );
  assert.equal(new Date(line.time).toISOString(), line.time);
});
