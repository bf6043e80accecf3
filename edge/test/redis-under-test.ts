/**
 * A private Redis, and what the relay would write into it, word for word as the contract has it: a projection
 * and its change in one transaction.
 */
import {
  type AccessEntry,
  CHANGE_DOCUMENT,
  CHANGE_ID,
  CHANGE_KIND,
  CHANGE_VERSION,
  type ChangeKind,
} from "@sluice/contract/change.ts";
import {
  accessEntriesKey,
  changesKey,
  FIELD_DOCUMENT,
  FIELD_VERSION,
  FILTER_BITS,
  FILTER_EPOCH,
  FILTER_GENERATION,
  FILTER_HASHES,
  FILTER_HIGHEST,
  filterBitsKey,
  filterKey,
  PART_PRODUCT,
  PART_STOCK,
  PRODUCTS_FILTER,
  policyKey,
  productKey,
  readyKey,
  relayCurrentKey,
  sessionKey,
} from "@sluice/contract/keys.ts";
import { filterEpoch, type MembershipShape } from "@sluice/contract/membership.ts";
import type { PolicyDocument } from "@sluice/contract/policy/document.ts";
import { Redis } from "ioredis";
import { freePort, type Started, start, temporaryFolder, until } from "./processes.ts";

export const PREFIX = "edge-test:";

export async function startRedis(): Promise<RedisUnderTest> {
  const folder = temporaryFolder();
  const port = await freePort();
  return new RedisUnderTest(port, folder, await startServer(port, folder.path));
}

export class RedisUnderTest {
  readonly port: number;
  readonly client: Redis;
  readonly #folder: { path: string; remove(): void };
  #server: Started;

  constructor(port: number, folder: { path: string; remove(): void }, server: Started) {
    this.port = port;
    this.#folder = folder;
    this.#server = server;
    this.client = new Redis(port, "127.0.0.1", { retryStrategy: () => 50, maxRetriesPerRequest: null });
    // Some tests kill the server on purpose; commands that fail for it tell their caller.
    this.client.on("error", () => undefined);
  }

  async ready(epoch: string): Promise<void> {
    await this.client.set(readyKey(PREFIX), epoch);
    await this.relayKeepsUp(true);
  }

  /** Says so, as a relay does, but for as long as nobody says otherwise. */
  async relayKeepsUp(keepsUp: boolean): Promise<void> {
    if (keepsUp) await this.client.set(relayCurrentKey(PREFIX), "1");
    else await this.client.del(relayCurrentKey(PREFIX));
  }

  async change(kind: ChangeKind, id: string, version: number, more: string[] = []): Promise<void> {
    const fields = [CHANGE_KIND, kind, CHANGE_ID, id, CHANGE_VERSION, String(version), ...more];
    await this.client.xadd(changesKey(PREFIX), "*", ...fields);
  }

  policy(revision: number, document: PolicyDocument): Promise<void> {
    return this.#project(policyKey(PREFIX), "", revision, document, "policy", "current");
  }

  async entry(entry: AccessEntry): Promise<void> {
    const text = JSON.stringify(entry);
    await this.client.hset(accessEntriesKey(PREFIX), String(entry.id), text);
    await this.change("access", String(entry.id), entry.version, [CHANGE_DOCUMENT, text]);
  }

  /** Undefined for a session that was revoked. */
  session(id: string, version: number, userId: string | undefined): Promise<void> {
    const document = userId === undefined ? undefined : { userId, expiresAt: Date.now() + 60_000 };
    return this.#project(sessionKey(PREFIX, id), "", version, document, "session", id);
  }

  /** Undefined for a product that is gone. */
  product(id: number, version: number, document: object | undefined): Promise<void> {
    return this.#project(
      productKey(PREFIX, String(id)),
      PART_PRODUCT,
      version,
      document,
      "product",
      String(id),
    );
  }

  stock(id: number, version: number, document: object): Promise<void> {
    return this.#project(productKey(PREFIX, String(id)), PART_STOCK, version, document, "stock", String(id));
  }

  /** Puts a filter of products in use, as the relay does once it is built. */
  async filter(
    epoch: string,
    generation: string,
    shape: MembershipShape,
    bytes: Buffer,
    highest: number,
  ): Promise<void> {
    await this.client.set(filterBitsKey(PREFIX, PRODUCTS_FILTER, generation), bytes);
    await this.client.hset(filterKey(PREFIX, PRODUCTS_FILTER), {
      [FILTER_GENERATION]: generation,
      [FILTER_EPOCH]: filterEpoch(epoch),
      [FILTER_BITS]: shape.bits,
      [FILTER_HASHES]: shape.hashes,
      [FILTER_HIGHEST]: highest,
    });
    await this.change("filter", generation, 1);
  }

  /** As if the machine had lost its power. */
  async kill(): Promise<void> {
    await this.client.save();
    await this.#server.stop("SIGKILL");
  }

  /** The same, and nothing of it is on disk. */
  async killUnsaved(): Promise<void> {
    await this.#server.stop("SIGKILL");
  }

  /** On the same port, with what was in it when it was killed. */
  async restart(): Promise<void> {
    this.#server = await startServer(this.port, this.#folder.path);
  }

  async close(): Promise<void> {
    this.client.disconnect();
    await this.#server.stop("SIGTERM");
    this.#folder.remove();
  }

  async #project(
    key: string,
    part: string,
    version: number,
    document: object | undefined,
    kind: ChangeKind,
    id: string,
  ): Promise<void> {
    const transaction = this.client.multi().hset(key, `${part}${FIELD_VERSION}`, String(version));
    if (document === undefined) transaction.hdel(key, `${part}${FIELD_DOCUMENT}`);
    else transaction.hset(key, `${part}${FIELD_DOCUMENT}`, JSON.stringify(document));
    const change = [CHANGE_KIND, kind, CHANGE_ID, id, CHANGE_VERSION, String(version)];
    await transaction.xadd(changesKey(PREFIX), "*", ...change).exec();
  }
}

async function startServer(port: number, folder: string): Promise<Started> {
  const options = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
  const server = start("redis-server", options, folder);
  await until("redis listens", () => server.output().includes("Ready to accept connections"));
  return server;
}
