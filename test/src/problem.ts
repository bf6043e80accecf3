import assert from "node:assert/strict";
import type { Answer } from "./client.ts";

/** Holds that the answer is a problem document (RFC 9457) of that status, and of that code when one is given. */
export function assertProblem(answer: Answer, status: number, code?: string): void {
  const seen = `${answer.status} ${JSON.stringify(answer.body)}`;
  assert.equal(answer.status, status, seen);
  assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/, seen);
  if (code === undefined) assert.match(answer.body.code, /^[a-z]+(\.[a-z_]+)+$/, seen);
  else assert.equal(answer.body.code, code, seen);
  assert.equal(answer.body.status, status, seen);
  assert.equal(answer.body.requestId, answer.headers.get("x-request-id"), seen);
}
