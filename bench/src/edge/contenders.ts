/**
 * Everything that is measured, started and ready. See suite.ts for what is compared with what.
 */
import type { PolicyDocument } from "@sluice/contract/policy/document.ts";
import type { Contender, Exception } from "../proxies/contender.ts";
import type { Requests } from "../proxies/load.ts";
import {
  clientAddresses,
  deniedAddress,
  deniedAddresses,
  deniedBlocks,
  mixedBlocks,
} from "../proxies/population.ts";
import { startBareProxy, startFixedAnswer } from "../proxies/reference.ts";
import type { Stage } from "../proxies/stage.ts";
import { tokenRefusals } from "../proxies/tokens.ts";
import { startHaproxy } from "./haproxy.ts";
import { FIFTY_RULES, FIFTY_RULES_AND_LIMIT, GEO_RULES, NO_RULES } from "./policies.ts";

/** The references: bare nginx, given the same requests as those that are held against it. */
const BARE = "nginx: proxy_pass";
const BARE_SIGNED_IN = "nginx: proxy_pass, tokens";
const BARE_ONE = "nginx: proxy_pass, one token";
const BARE_REFUSAL = "nginx: return 403";

/** Public and not cached: it goes to the origin, whatever that answers. */
const PUBLIC_PATH = "/openapi.json";
const USER_PATH = "/orders";

export async function startContenders(stage: Stage): Promise<Contender[]> {
  const { home, upstreamPort, tokens } = stage;
  const hundredThousand = deniedBlocks();
  const million = mixedBlocks();
  const bare = await stage.start((port) => startBareProxy(home, port, upstreamPort));
  const refusing = await stage.start((port) => startFixedAnswer(home, port, 403));
  const edge = await stage.startEdge("edge-no-checks", { denied: [], policy: NO_RULES });
  const edgeChecking = await stage.startEdge("edge-list-geo", { denied: hundredThousand, policy: GEO_RULES });
  const edgeWith = (name: string, policy: PolicyDocument) =>
    stage.startEdge(name, { denied: million, policy });
  const edgeMillion = await edgeWith("edge-million", NO_RULES);
  const edgeRules = await edgeWith("edge-million-rules", FIFTY_RULES);
  const edgeLimit = await edgeWith("edge-million-rules-limit", FIFTY_RULES_AND_LIMIT);
  const haproxyWith = (publicKey: string | undefined) =>
    stage.start((port) => startHaproxy({ home, port, upstreamPort, denied: million, publicKey }));
  const haproxy = await haproxyWith(undefined);
  const haproxySignedIn = await haproxyWith(tokens.publicKey);
  const addresses = clientAddresses();
  const signed = tokens.sessions.map(({ tokens }) => tokens[0]);
  const ofMillion = [denialOf(million)];
  const byToken = tokenRefusals(signed[0] as string);
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
    requests: requests(PUBLIC_PATH, deniedAddresses(million), []),
    exceptions: [],
  };
  const checked = [denialOf(hundredThousand), ...byToken];
  const everything = [...ofMillion, ...byToken];
  return [
    { name: BARE, ...bare, ...anybody, exceptions: [] },
    { name: "edge: no checks", ...edge, ...anybody, exceptions: [] },
    { name: "edge: 1 M list entries", ...edgeMillion, ...anybody, exceptions: ofMillion },
    { name: "edge: 1 M, 50 rules, geo", ...edgeRules, ...anybody, exceptions: ofMillion },
    { name: "edge: 1 M, 50 rules, geo, limit", ...edgeLimit, ...anybody, exceptions: ofMillion },
    { name: "HAProxy: 1 M list entries", ...haproxy, ...anybody, exceptions: ofMillion },
    { name: BARE_SIGNED_IN, ...bare, ...user, exceptions: [] },
    { name: "edge: token and session", ...edge, ...user, exceptions: byToken },
    { name: "edge: all checks", ...edgeChecking, ...user, exceptions: checked },
    { name: "edge: all checks, 1 M, 50 rules, limit", ...edgeLimit, ...user, exceptions: everything },
    { name: "HAProxy: 1 M, jwt_verify", ...haproxySignedIn, ...user, exceptions: everything },
    { name: BARE_ONE, ...bare, ...oneUser, exceptions: [] },
    { name: "edge: all checks, one address", ...edgeChecking, ...oneUser, exceptions: checked },
    { name: BARE_REFUSAL, ...refusing, ...refused },
    { name: "edge: denied of 1 M", ...edgeLimit, ...refused },
    { name: "HAProxy: denied of 1 M", ...haproxy, ...refused },
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
