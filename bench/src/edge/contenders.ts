/**
 * Everything that is measured, started and ready. See suite.ts for what is compared with what.
 */
import type { PolicyDocument } from "@sluice/contract/policy/document.ts";
import type { Contender, Exception } from "../proxies/contender.ts";
import type { Requests } from "../proxies/load.ts";
import { clientAddresses, deniedAddress, deniedAddresses, deniedBlocks } from "../proxies/population.ts";
import { startBareProxy, startFixedAnswer } from "../proxies/reference.ts";
import type { Stage } from "../proxies/stage.ts";
import { tokenRefusals } from "../proxies/tokens.ts";
import { startHaproxy } from "./haproxy.ts";

/** The references: bare nginx, given the same requests as those that are held against it. */
const BARE = "nginx: proxy_pass";
const BARE_SIGNED_IN = "nginx: proxy_pass, tokens";
const BARE_ONE = "nginx: proxy_pass, one token";
const BARE_REFUSAL = "nginx: return 403";

/** Public and not cached: it goes to the origin, whatever that answers. */
const PUBLIC_PATH = "/openapi.json";
const USER_PATH = "/orders";

const NO_RULES: PolicyDocument = { rules: [], default: "allow" };
/**
 * Five rules over 25 codes that ISO 3166-1 leaves to its users: every request is held against all of them, and
 * no caller comes from there.
 */
const GEO_RULES: PolicyDocument = {
  rules: [
    ["XA", "XB", "XC", "XD", "XE"],
    ["XF", "XG", "XH", "XI", "XJ"],
    ["XL", "XM", "XN", "XO", "XP"],
    ["QM", "QN", "QO", "QP", "QQ"],
    ["QR", "QS", "QT", "QU", "QV"],
  ].map((country, index) => ({
    id: `geo-${index + 1}`,
    match: { country },
    mode: index === 4 ? "observe" : "enforce",
    action: "deny",
    status: 451,
  })),
  default: "allow",
};

export async function startContenders(stage: Stage): Promise<Contender[]> {
  const { home, upstreamPort, tokens } = stage;
  const denied = deniedBlocks();
  const bare = await stage.start((port) => startBareProxy(home, port, upstreamPort));
  const refusing = await stage.start((port) => startFixedAnswer(home, port, 403));
  const edge = await stage.startEdge("edge-no-checks", { denied: [], policy: NO_RULES });
  const edgeWithList = await stage.startEdge("edge-list", { denied, policy: NO_RULES });
  const edgeWithAll = await stage.startEdge("edge-list-geo", { denied, policy: GEO_RULES });
  const publicKey = tokens.publicKey;
  const haproxy = await stage.start((port) => startHaproxy({ home, port, checks: undefined, upstreamPort }));
  const haproxyChecked = await stage.start((port) =>
    startHaproxy({ home, port, checks: { denied, publicKey }, upstreamPort }),
  );
  const addresses = clientAddresses();
  const signed = tokens.sessions.map(({ tokens }) => tokens[0]);
  const byAddress = [denialOf(denied)];
  const byToken = tokenRefusals(signed[0] as string);
  const both = [...byAddress, ...byToken];
  const anybody = { status: 200, reference: BARE, requests: requests(PUBLIC_PATH, addresses, []) };
  const user = { status: 200, reference: BARE_SIGNED_IN, requests: requests(USER_PATH, addresses, signed) };
  const oneUser = {
    status: 200,
    reference: BARE_ONE,
    requests: requests(USER_PATH, addresses.slice(0, 1), signed.slice(0, 1)),
  };
  const refused = {
    status: 403,
    reference: BARE_REFUSAL,
    requests: requests(PUBLIC_PATH, deniedAddresses(denied), []),
    exceptions: [],
  };
  return [
    { name: BARE, ...bare, ...anybody, exceptions: [] },
    { name: "edge: no checks", ...edge, ...anybody, exceptions: [] },
    { name: "edge: 100 k deny list", ...edgeWithList, ...anybody, exceptions: byAddress },
    { name: "edge: deny list, geo rules", ...edgeWithAll, ...anybody, exceptions: byAddress },
    { name: "HAProxy: no checks", ...haproxy, ...anybody, exceptions: [] },
    { name: BARE_SIGNED_IN, ...bare, ...user, exceptions: [] },
    { name: "edge: token and session", ...edge, ...user, exceptions: byToken },
    { name: "edge: all checks", ...edgeWithAll, ...user, exceptions: both },
    { name: "HAProxy: deny list, jwt_verify", ...haproxyChecked, ...user, exceptions: both },
    { name: BARE_ONE, ...bare, ...oneUser, exceptions: [] },
    { name: "edge: all checks, one address", ...edgeWithAll, ...oneUser, exceptions: both },
    { name: BARE_REFUSAL, ...refusing, ...refused },
    { name: "edge: denied addresses", ...edgeWithAll, ...refused },
    { name: "HAProxy: denied addresses", ...haproxyChecked, ...refused },
  ];
}

function requests(path: string, addresses: string[], tokens: string[]): Requests {
  return { paths: [path], addresses, tokens };
}

function denialOf(denied: readonly string[]): Exception {
  return {
    what: "a denied address",
    headers: { "x-forwarded-for": deniedAddress(denied) },
    status: 403,
  };
}
