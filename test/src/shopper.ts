import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Answer, Client } from "./client.ts";

/** Someone who has an account, and what they do in the shop. */
export class Shopper {
  readonly #edge: Client;
  readonly username: string;
  accessToken: string;
  refreshToken: string;

  private constructor(edge: Client, username: string, tokens: { accessToken: string; refreshToken: string }) {
    this.#edge = edge;
    this.username = username;
    this.accessToken = tokens.accessToken;
    this.refreshToken = tokens.refreshToken;
  }

  /** Registers a new user and logs in. */
  static async join(edge: Client): Promise<Shopper> {
    const username = `shopper-${randomUUID().slice(0, 8)}`;
    const credentials = { username, password: `pw-${randomUUID()}` };
    const registered = await edge.post("/auth/register", credentials);
    assert.equal(registered.status, 201, JSON.stringify(registered.body));
    const loggedIn = await edge.post("/auth/login", credentials);
    assert.equal(loggedIn.status, 200, JSON.stringify(loggedIn.body));
    assert.equal(loggedIn.body.user.username, username);
    return new Shopper(edge, username, loggedIn.body);
  }

  /** Places an order for one product; the answer may be a refusal. */
  order(productId: number, quantity: number, idempotencyKey: string = randomUUID()): Promise<Answer> {
    return this.#edge.post(
      "/orders",
      { lines: [{ productId, quantity }] },
      { token: this.accessToken, headers: { "idempotency-key": idempotencyKey } },
    );
  }

  get(path: string): Promise<Answer> {
    return this.#edge.get(path, { token: this.accessToken });
  }

  post(path: string, json: unknown = {}): Promise<Answer> {
    return this.#edge.post(path, json, { token: this.accessToken });
  }
}
