import assert from "node:assert/strict";
import { test } from "node:test";
import { identityErrors } from "../errors.ts";
import { hashingLimits } from "./hashing-turns.ts";
import { createPasswordHasher, scryptParameters } from "./passwords.ts";

/** Cheap, because what is proved here does not depend on the cost. */
const weak = { ln: 4, r: 8, p: 1 };
const hasher = createPasswordHasher(weak);

test("a hash says how it was made, has a salt of its own and matches its password only", async () => {
  const [hash, again] = await Promise.all([hasher.hash("open sesame"), hasher.hash("open sesame")]);
  assert.match(hash, /^\$scrypt\$ln=4,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  assert.notEqual(hash, again);
  assert.deepEqual(await hasher.verify("open sesame", hash), { matches: true, outdated: false });
  assert.deepEqual(await hasher.verify("open sesame!", hash), { matches: false, outdated: false });
});

test("a hash by weaker parameters is still good, and known as outdated", async () => {
  const today = createPasswordHasher();
  const old = await hasher.hash("open sesame");
  assert.deepEqual(await today.verify("open sesame", old), { matches: true, outdated: true });
  const renewed = await today.hash("open sesame");
  assert.match(renewed, new RegExp(`^\\$scrypt\\$ln=${scryptParameters.ln},r=8,p=3\\$`));
  assert.deepEqual(await today.verify("open sesame", renewed), { matches: true, outdated: false });
});

test("what is stored in another form is a fault of ours, not a wrong password", async () => {
  await assert.rejects(hasher.verify("x", "$2b$10$abcdefghijklmnopqrstuv"), /not in the form/);
});

test("a crowd is bounded: who is too many is told to come back, and everybody else is served", async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 120 }, () => hasher.hash("x")));
  const refused = outcomes.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
  assert.equal(refused.length, 120 - 103);
  for (const { reason } of refused) assert.equal(reason.definition, identityErrors.busy);
  await hasher.hash("the queue is free again");
});

test("one address has a share of what is hashed, and whoever comes alone comes before all of that", async () => {
  const ended: string[] = [];
  const hash = (who: string, address: string) => hasher.hash("x", address).then(() => ended.push(who));
  const crowd = Array.from({ length: hashingLimits.ofAddressMax }, () => hash("crowd", "2001:db8::1"));
  const tooMany = { definition: identityErrors.busy };
  await assert.rejects(hasher.hash("x", "2001:db8::2"), tooMany, "of the same /64");
  const alone = ["192.0.2.1", "192.0.2.2"].map((address) => hash("alone", address));
  await Promise.all([...crowd, ...alone]);
  const last = ended.lastIndexOf("alone");
  assert(last <= 3 * hashingLimits.runningMax, `the second of two was the ${last + 1}th of ${ended.length}`);
  await hasher.hash("the share is free again", "2001:db8::1");
});
