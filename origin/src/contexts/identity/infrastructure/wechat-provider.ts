import type { IdentityProvider, ProviderAnswer } from "../application/provider-ports.ts";
import { externalIdentity } from "../domain/external-identity.ts";
import { fetchFromProvider, unreachableIn } from "./provider-fetch.ts";

/**
 * WeChat Open Platform, website sign-in. It looks like OAuth 2.0 and differs where it matters:
 *
 * - `appid` and `secret` for `client_id` and `client_secret`, and the code is traded by a GET, secret in its query
 * - errors come with status 200, as `{errcode, errmsg}`; the body may call itself text/plain
 * - no PKCE, no nonce, no ID token; the state alone binds the answer to the browser
 * - `openid` is another one for each app; who somebody is, `unionid` says
 * - somebody who declines comes back with a state and no code
 * - there is no e-mail
 */
export interface WechatSettings {
  readonly id: string;
  readonly name: string;
  readonly appId: string;
  readonly appSecret: string;
  readonly redirectUri: string;
  readonly scope: string;
  /** The page with the QR code, or the one inside the app. */
  readonly authorizationUrl: string;
  readonly apiUrl: string;
}

/** Of all WeChat identities, whichever of our apps they come by. */
const issuer = "https://open.weixin.qq.com";
/** "System busy, try again later": the one code that is no fault of ours or of the browser. */
const systemBusy = -1;

export function wechatProvider(settings: WechatSettings): IdentityProvider {
  return {
    id: settings.id,
    name: settings.name,
    authorizationUrl: async ({ state }) => {
      const url = new URL(settings.authorizationUrl);
      // In this order, and with this fragment: WeChat's pages look for both.
      url.search = new URLSearchParams({
        appid: settings.appId,
        redirect_uri: settings.redirectUri,
        response_type: "code",
        scope: settings.scope,
        state,
      }).toString();
      url.hash = "wechat_redirect";
      return url;
    },
    identify: async (callback) => {
      const codes = callback.getAll("code");
      const [code = ""] = codes;
      if (code === "" || code === "authdeny") return { outcome: "denied" };
      if (codes.length > 1) return { outcome: "unusable", reason: "there are several codes" };
      try {
        return await identify(settings, code);
      } catch (error) {
        if (error instanceof WechatError) {
          const outcome = error.errcode === systemBusy ? "unavailable" : "unusable";
          return { outcome, reason: error.message };
        }
        const unreachable = unreachableIn(error);
        if (unreachable === undefined) throw error;
        return { outcome: "unavailable", reason: unreachable.message };
      }
    },
  };
}

async function identify(settings: WechatSettings, code: string): Promise<ProviderAnswer> {
  const { id, appId, appSecret } = settings;
  const token = await ask(settings, "/sns/oauth2/access_token", {
    appid: appId,
    secret: appSecret,
    code,
    grant_type: "authorization_code",
  });
  const person = await ask(settings, "/sns/userinfo", {
    access_token: String(token.access_token),
    openid: String(token.openid),
  });
  if (token.unionid !== undefined && person.unionid !== undefined && token.unionid !== person.unionid) {
    return { outcome: "unusable", reason: "two answers name different people" };
  }
  const subject = person.unionid ?? token.unionid;
  if (subject === undefined) {
    return {
      outcome: "unusable",
      reason: "there is no unionid: the app is not bound to an Open Platform account",
    };
  }
  const identity = externalIdentity({ issuer, provider: id, subject, names: [person.nickname] });
  return identity === undefined
    ? { outcome: "unusable", reason: "the unionid has another form than expected" }
    : { outcome: "identified", identity };
}

class WechatError extends Error {
  readonly errcode: number;

  constructor(errcode: number, what: string) {
    super(what);
    this.name = "WechatError";
    this.errcode = errcode;
  }
}

/** The body decides, not the status and not the content type. `errmsg` is not repeated: it may quote the request. */
async function ask({ apiUrl }: WechatSettings, path: string, query: Record<string, string>) {
  const answer = await fetchFromProvider(`${apiUrl}${path}?${new URLSearchParams(query)}`);
  const body = parsed(await answer.text());
  if (body === undefined) throw new WechatError(0, `${path} answered ${answer.status} without a JSON object`);
  if (typeof body.errcode === "number" && body.errcode !== 0) {
    throw new WechatError(body.errcode, `${path} answered errcode ${body.errcode}`);
  }
  return body;
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
