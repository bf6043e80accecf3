import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import Type, { type Static } from "typebox";
import { Value } from "typebox/value";
import { StartFaults } from "../../../kernel/errors.ts";
import type { IdentityProvider } from "../application/provider-ports.ts";
import { openIdProvider } from "./openid-provider.ts";
import { wechatProvider } from "./wechat-provider.ts";

/**
 * `{"providers":[…]}`. Secrets are in files of their own, named relative to this one, so that it can be shown. Plain
 * HTTP is taken for addresses of this machine only.
 */
const secureUrl = Type.String({
  pattern: "^(https://|http://(127\\.0\\.0\\.1|localhost|\\[::1\\])[:/]).+",
});
const shared = {
  /** Part of the callback's address: registered at the provider. */
  id: Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,31}$" }),
  name: Type.String({ minLength: 1, maxLength: 64 }),
};
const file = Type.String({ minLength: 1 });

const OpenId = Type.Object(
  {
    ...shared,
    type: Type.Literal("openid"),
    issuer: secureUrl,
    clientId: Type.String({ minLength: 1 }),
    clientSecretFile: Type.Optional(file),
    scope: Type.Optional(Type.String({ pattern: "(^| )openid( |$)" })),
    idTokenAlgorithm: Type.Optional(
      Type.Union(["RS256", "PS256", "ES256", "EdDSA"].map((alg) => Type.Literal(alg))),
    ),
  },
  { additionalProperties: false },
);

const Wechat = Type.Object(
  {
    ...shared,
    type: Type.Literal("wechat"),
    appId: Type.String({ minLength: 1 }),
    appSecretFile: file,
    scope: Type.Optional(Type.String({ pattern: "^snsapi_(login|userinfo)$" })),
    authorizationUrl: Type.Optional(secureUrl),
    apiUrl: Type.Optional(secureUrl),
  },
  { additionalProperties: false },
);

type Entry = Static<typeof OpenId> | Static<typeof Wechat>;

const providersMax = 20;

export interface ProvidersPlace {
  /** Where people find this site: `https://shop.example`. */
  readonly publicUrl: string;
  readonly now: () => number;
}

/** All faults of the file at once. */
export async function readProviders(
  path: string,
  place: ProvidersPlace,
): Promise<readonly IdentityProvider[]> {
  const { providers } = (JSON.parse(await readFile(path, "utf8")) ?? {}) as { providers?: unknown };
  if (!Array.isArray(providers) || providers.length > providersMax) {
    throw new StartFaults(path, [`needs a list "providers" of at most ${providersMax}`]);
  }
  const faults = providers.flatMap((entry, at) => faultsOf(entry).map((fault) => `/providers/${at}${fault}`));
  const ids = providers.map((entry) => (entry as Partial<Entry> | null)?.id);
  if (new Set(ids).size < ids.length) faults.push("/providers: two have the same id");
  if (faults.length > 0) throw new StartFaults(path, faults);
  return Promise.all((providers as Entry[]).map((entry) => create(entry, path, place)));
}

/** Looked at by its type: a union would only tell that nothing fits. */
function faultsOf(entry: unknown): string[] {
  const type = (entry as Partial<Entry> | null)?.type;
  if (type !== "openid" && type !== "wechat") return ['/type must be "openid" or "wechat"'];
  const schema = type === "openid" ? OpenId : Wechat;
  return Value.Errors(schema, entry).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

async function create(
  entry: Entry,
  path: string,
  { publicUrl, now }: ProvidersPlace,
): Promise<IdentityProvider> {
  const { id, name } = entry;
  const redirectUri = `${publicUrl}/auth/oauth/${id}/callback`;
  const secret = async (name: string) => (await readFile(resolve(dirname(path), name), "utf8")).trim();
  if (entry.type === "wechat") {
    return wechatProvider({
      id,
      name,
      redirectUri,
      appId: entry.appId,
      appSecret: await secret(entry.appSecretFile),
      scope: entry.scope ?? "snsapi_login",
      authorizationUrl: entry.authorizationUrl ?? "https://open.weixin.qq.com/connect/qrconnect",
      apiUrl: entry.apiUrl ?? "https://api.weixin.qq.com",
    });
  }
  const { issuer, clientId, clientSecretFile } = entry;
  const clientSecret = clientSecretFile === undefined ? "" : await secret(clientSecretFile);
  const { scope = "openid profile", idTokenAlgorithm = "RS256" } = entry;
  return openIdProvider(
    { id, name, redirectUri, issuer, clientId, clientSecret, scope, idTokenAlgorithm },
    now,
  );
}
