import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A real OpenID server (the package oidc-provider), whose people sign in with any name and password. */
export interface OpenIdServer {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** What it asked for goes unanswered until it is called again with false. */
  hang(hanging: boolean): void;
  close(): Promise<void>;
}

/** Of the package, which has no types, the part that is used here. */
interface ProviderClass {
  new (
    issuer: string,
    configuration: object,
  ): { callback(): (request: IncomingMessage, response: ServerResponse) => void };
}

export async function startOpenIdServer(redirectUris: readonly string[]): Promise<OpenIdServer> {
  let handle: (request: IncomingMessage, response: ServerResponse) => void = () => {};
  let hanging = false;
  const server = createServer((request, response) => {
    if (!hanging) handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clientId = "sluice";
  const clientSecret = randomBytes(24).toString("hex");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const configuration = {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: redirectUris }],
    // The same for everybody: whom our accounts belong to must not depend on it.
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        preferred_username: id,
        email: "shared@example.com",
        email_verified: false,
      }),
    }),
    claims: { openid: ["sub"], profile: ["preferred_username"], email: ["email", "email_verified"] },
    pkce: { required: () => true },
    cookies: { keys: [randomBytes(24).toString("hex")] },
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" }] },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      Grant: 600,
      IdToken: 600,
      Interaction: 600,
      Session: 600,
    },
  };
  handle = await quietly(async () => {
    // Not known by name at compile time, since there are no types of it.
    const { default: Provider } = (await import(String("oidc-provider"))) as { default: ProviderClass };
    return new Provider(issuer, configuration).callback();
  });
  return {
    issuer,
    clientId,
    clientSecret,
    hang: (value) => {
      hanging = value;
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** It warns that its sign-in pages and its memory are for development, which is what they are used for. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { warn, info } = console;
  console.warn = console.info = () => {};
  try {
    return await work();
  } finally {
    Object.assign(console, { warn, info });
  }
}
