import {
  DECISION_DOCUMENT,
  type DecisionRecord,
  RECORDED_METHOD_BYTES_MAX,
  RECORDED_PATH_BYTES_MAX,
  TRUNCATED_IPV4_LENGTH,
  TRUNCATED_IPV6_LENGTH,
} from "@sluice/contract/decision-record.ts";
import { decisionsKey } from "@sluice/contract/keys.ts";
import { type Address, formatAddress, maskAddress } from "@sluice/contract/policy/address.ts";
import type { Verdict } from "@sluice/contract/policy/decide.ts";
import { encode } from "cjson.safe";
import { nowMs } from "../platform/clock.ts";
import { logWarning } from "../platform/log.ts";
import { connect, release } from "../platform/redis.ts";
import { requestHost } from "../platform/request.ts";
import { every } from "../platform/timers.ts";
import type { SampleSettings } from "../settings.ts";

/**
 * Records every decision while there are few, and every n-th when there are many: n follows the traffic of the
 * interval before. Requests only put what they have into slots that are there already; a timer writes them to
 * Redis. What Redis doesn't take is lost: it is a sample.
 */
const FLUSH_INTERVAL_MS = 250;
/** Of one worker in one interval. A record costs as much as half a request does: 240 a second are below one percent. */
const RECORDS_MAX = 60;

/** @perWorker */
let stride = 1;
/** Decisions of this interval, recorded or not. @perWorker */
let seen = 0;
/** The next of them that is recorded. @perWorker */
let next = 1;
/** @perWorker */
let held = 0;
/** Whether the decision that was made last is in the sample. @perWorker */
let sampled = false;
/** @perWorker */
let failing = false;
/** @perWorker */
let enabled = false;

/** @perWorker */
const addresses: Address[] = [];
/** @perWorker */
const countries: string[] = [];
/** @perWorker */
const methods: string[] = [];
/** @perWorker */
const paths: string[] = [];
/** @perWorker */
const hosts: string[] = [];
/** @perWorker */
const routes: string[] = [];
/** @perWorker */
const weights: number[] = [];
/** @perWorker */
const verdicts: Verdict[] = [];
/** @perWorker */
const times: number[] = [];

export function startDecisionSample(prefix: string, settings: SampleSettings): void {
  enabled = settings.decisionsMax > 0;
  if (!enabled) return;
  every(FLUSH_INTERVAL_MS, () => {
    const count = held;
    stride = math.max(1, math.ceil(seen / RECORDS_MAX));
    // Before anything waits: requests fill the slots anew while Redis is being written to.
    const records = collect(count, settings.truncateAddresses);
    held = 0;
    seen = 0;
    next = 1 + math.floor(math.random() * stride);
    if (records.length > 0) write(decisionsKey(prefix), settings.decisionsMax, records);
  });
}

export function sampleDecision(
  { family, a, b, c }: Address,
  country: string,
  method: string,
  path: string,
  route: string,
  verdict: Verdict,
): void {
  sampled = false;
  if (!enabled) return;
  seen += 1;
  if (seen < next || held >= RECORDS_MAX) return;
  next = seen + stride;
  weights[held] = stride;
  routes[held] = route;
  // A copy: the next decision may take the place of this one's.
  addresses[held] = { family, a, b, c };
  countries[held] = country;
  methods[held] = method;
  paths[held] = path;
  hosts[held] = requestHost();
  verdicts[held] = verdict;
  times[held] = nowMs();
  held += 1;
  sampled = true;
}

/** The decision that was made last has become another one. */
export function amendSample(verdict: Verdict): void {
  if (sampled) verdicts[held - 1] = verdict;
}

function collect(count: number, truncate: boolean): string[] {
  const records: string[] = [];
  for (let i = 0; i < count; i++) {
    const address = addresses[i] as Address;
    const verdict = verdicts[i] as Verdict;
    const record: DecisionRecord = {
      atMs: math.floor(times[i] as number),
      ip: formatAddress(truncate ? truncated(address) : address),
      country: countries[i] as string,
      method: (methods[i] as string).substring(0, RECORDED_METHOD_BYTES_MAX),
      path: (paths[i] as string).substring(0, RECORDED_PATH_BYTES_MAX),
      host: hosts[i] as string,
      action: verdict.action,
      status: verdict.status,
      reason: verdict.reason,
      rule: verdict.rule,
      route: routes[i] as string,
      weight: weights[i] as number,
    };
    if (truncate) record.truncated = true;
    // Undefined for what is not JSON; of texts and whole numbers nothing is.
    const [line] = encode(record);
    if (line !== undefined) records.push(line);
  }
  return records;
}

function truncated(address: Address): Address {
  return maskAddress(address, address.family === 4 ? TRUNCATED_IPV4_LENGTH : TRUNCATED_IPV6_LENGTH);
}

function write(key: string, max: number, records: string[]): void {
  // LuaJIT would compile trace after trace for the texts that go on from here, hundreds in a minute, without an end.
  jit.off(true, true);
  const [redis, connectError] = connect();
  if (redis === undefined) {
    report(connectError);
    return;
  }
  redis.init_pipeline(records.length);
  for (const record of records) redis.xadd(key, "MAXLEN", "~", max, "*", DECISION_DOCUMENT, record);
  const [replies, writeError] = redis.commit_pipeline();
  if (replies === undefined) {
    redis.close();
    report(writeError);
    return;
  }
  release(redis);
  failing = false;
}

/** Once for an outage. */
function report(failure: string): void {
  if (!failing) logWarning(`decisions are not recorded: ${failure}`);
  failing = true;
}
