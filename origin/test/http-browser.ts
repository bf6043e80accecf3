import assert from "node:assert/strict";

/** As much of a browser as redirects, cookies and forms need; each is somebody else's. */
export interface HttpBrowser {
  /** One request, with the cookies of its host; what it sets is kept. */
  request(url: string, options?: RequestInit): Promise<Response>;
  /** Follows redirects and sends forms, filled in with these values, until the address begins so. */
  walkTo(prefix: string, from: string, fields: Readonly<Record<string, string>>): Promise<string>;
  cookies(host: string): Map<string, string>;
}

/** More steps than any sign-in takes. */
const stepsMax = 20;

export function createHttpBrowser(): HttpBrowser {
  const jars = new Map<string, Map<string, string>>();
  const cookies = (host: string) => {
    const jar = jars.get(host) ?? new Map<string, string>();
    jars.set(host, jar);
    return jar;
  };
  const request = async (url: string, options: RequestInit = {}) => {
    const jar = cookies(new URL(url).host);
    const headers = new Headers(options.headers);
    if (jar.size > 0) headers.set("cookie", [...jar].map(([name, value]) => `${name}=${value}`).join("; "));
    const signal = AbortSignal.timeout(30_000);
    const answer = await fetch(url, { ...options, headers, redirect: "manual", signal });
    for (const field of answer.headers.getSetCookie()) keep(jar, field);
    return answer;
  };
  return {
    cookies,
    request,
    walkTo: async (prefix, from, fields) => {
      let url = from;
      let options: RequestInit = {};
      for (let step = 0; step < stepsMax; step++) {
        if (url.startsWith(prefix)) return url;
        const answer = await request(url, options);
        options = {};
        const location = answer.headers.get("location");
        if (location !== null) {
          url = new URL(location, url).href;
          continue;
        }
        const form = formIn(await answer.text());
        url = new URL(form.action, url).href;
        options = { method: "POST", body: new URLSearchParams({ ...form.values, ...fields }) };
      }
      return assert.fail(`${prefix} was not reached; the last step was ${url}`);
    },
  };
}

function keep(jar: Map<string, string>, field: string): void {
  const [pair = "", ...attributes] = field.split(";").map((part) => part.trim());
  const at = pair.indexOf("=");
  const gone = attributes.some((one) => {
    const [name = "", value = ""] = one.toLowerCase().split("=");
    return (
      (name === "max-age" && Number(value) <= 0) || (name === "expires" && Date.parse(value) < Date.now())
    );
  });
  if (gone) jar.delete(pair.slice(0, at));
  else jar.set(pair.slice(0, at), pair.slice(at + 1));
}

function formIn(html: string): { action: string; values: Record<string, string> } {
  const action = /<form[^>]* action="([^"]*)"/.exec(html)?.[1];
  assert(action !== undefined, `the page has no form: ${html.slice(0, 500)}`);
  const values: Record<string, string> = {};
  for (const [, name = "", value = ""] of html.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)) {
    values[name] = value;
  }
  return { action, values };
}
