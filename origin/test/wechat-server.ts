import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Plays WeChat Open Platform as its documents say: a code is traded by GET, whatever goes wrong is `{errcode,errmsg}`
 * in a 200, and bodies call themselves text/plain. `openid` differs from app to app, `unionid` doesn't.
 */
export interface WechatServer {
  readonly url: string;
  readonly appId: string;
  readonly appSecret: string;
  /** Every request for a token, with its query. */
  readonly asked: string[];
  /** What happens at the next sign-in. */
  behave(behaviour: WechatBehaviour): void;
  close(): Promise<void>;
}

export interface WechatBehaviour {
  readonly person?: { readonly unionid?: string; readonly openid: string; readonly nickname: string };
  /** Answered instead of a token. */
  readonly errcode?: number;
  readonly declines?: boolean;
  /** Answered as it stands. */
  readonly body?: string;
  readonly status?: number;
}

export async function startWechatServer(): Promise<WechatServer> {
  const [appId, appSecret] = ["wx0123456789abcdef", "0123456789abcdef0123456789abcdef"];
  const asked: string[] = [];
  const codes = new Map<string, "fresh" | "used">();
  let behaviour: WechatBehaviour = {};

  const page = (query: URLSearchParams): string => {
    const back = new URL(query.get("redirect_uri") ?? "");
    if (behaviour.declines !== true) {
      const code = `code${codes.size}`;
      codes.set(code, "fresh");
      back.searchParams.set("code", code);
    }
    back.searchParams.set("state", query.get("state") ?? "");
    return back.href;
  };

  const token = (query: URLSearchParams): object => {
    const { errcode, person } = behaviour;
    if (errcode !== undefined) return { errcode, errmsg: `failed, rid: ${query.get("secret")}` };
    if (query.get("appid") !== appId) return { errcode: 40013, errmsg: "invalid appid" };
    if (query.get("secret") !== appSecret) return { errcode: 40125, errmsg: "invalid appsecret" };
    const code = query.get("code") ?? "";
    if (codes.get(code) === "used") return { errcode: 40163, errmsg: "code been used" };
    if (!codes.has(code)) return { errcode: 40029, errmsg: "invalid code" };
    codes.set(code, "used");
    return {
      access_token: "ACCESS_TOKEN",
      expires_in: 7200,
      refresh_token: "REFRESH_TOKEN",
      openid: person?.openid,
      scope: "snsapi_login",
    };
  };

  const userInfo = (query: URLSearchParams): object =>
    query.get("openid") === behaviour.person?.openid && query.get("access_token") === "ACCESS_TOKEN"
      ? { ...behaviour.person, sex: 0, province: "", city: "", country: "", headimgurl: "", privilege: [] }
      : { errcode: 40003, errmsg: "invalid openid" };

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://wechat");
    if (pathname === "/connect/qrconnect") {
      response.writeHead(302, { location: page(searchParams) }).end();
      return;
    }
    if (pathname === "/sns/oauth2/access_token") asked.push(`${request.method} ${request.url}`);
    const body = pathname === "/sns/userinfo" ? userInfo(searchParams) : token(searchParams);
    response.writeHead(behaviour.status ?? 200, { "content-type": "text/plain" });
    response.end(behaviour.body ?? JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    appId,
    appSecret,
    asked,
    behave: (next) => {
      behaviour = next;
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
