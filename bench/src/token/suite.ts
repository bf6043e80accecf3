/**
 * What access tokens cost: bare nginx with the same requests beside an edge that has no rules and no lists, so that
 * nothing but the token is checked, and its session.
 *
 * - Warm: the tokens of 1,000 sessions, which the edge remembers.
 * - New: so many tokens in turn that each was forgotten when it comes again; their sessions are known. Each costs a
 *   signature, a claims document, and no question to Redis.
 * - Garbage: what cannot be a token, held against nginx's own `return 401` with as much to say. It comes from 50,000
 *   addresses, which none of them sends more of than an edge looks at.
 * - Forged: everything as it should be but the signature, which has to be verified to be known for false, from as many
 *   addresses. This row says what one costs.
 * - Flood: both from one address, which the edge stops looking at.
 * - Revocation: how soon all workers of a whole system refuse a session that an operator ends.
 */
import { randomBytes } from "node:crypto";
import { TOKEN_MALFORMED } from "@sluice/contract/error-codes.ts";
import { problemDocument } from "@sluice/contract/problem-document.ts";
import type { Contender } from "../proxies/contender.ts";
import type { Requests } from "../proxies/load.ts";
import { clientAddresses } from "../proxies/population.ts";
import { startBareProxy, startFixedAnswer } from "../proxies/reference.ts";
import { measureInTurn, type Plan } from "../proxies/rounds.ts";
import { onStage, type Stage } from "../proxies/stage.ts";
import { SESSIONS, tokenRefusals } from "../proxies/tokens.ts";
import type { Suite } from "../suite.ts";
import { measureRevocations } from "./revocation.ts";

const PATH = "/orders";
/** A worker remembers 20,000 tokens at most, in two generations: of more than that in turn it knows none again. */
const TOKENS_EACH = 24;
const GARBAGE = 10_000;

const BARE_WARM = "nginx: proxy_pass, warm tokens";
const BARE_NEW = "nginx: proxy_pass, new tokens";
const BARE_401 = "nginx: return 401, garbage";

/** The whole suite stays within five minutes. */
const PLAN: Plan = { rounds: 9, roundSeconds: 2, warmUpSeconds: 3 };

export const tokenSuite: Suite = {
  name: "token",
  summary: "warm, new, garbage and forged access tokens beside bare nginx, and how soon a revocation counts",
  run: async (options) => {
    options.progress(`signing ${SESSIONS * TOKENS_EACH} tokens`);
    const proxies = await onStage(TOKENS_EACH, async (stage) =>
      measureInTurn("token", await startContenders(stage), stage.home, options, PLAN),
    );
    return [...proxies, ...(await measureRevocations(options))];
  },
};

async function startContenders(stage: Stage): Promise<Contender[]> {
  const { home, upstreamPort, tokens } = stage;
  const bare = await stage.start((port) => startBareProxy(home, port, upstreamPort));
  const refusing = await stage.start((port) => startFixedAnswer(home, port, 401, PROBLEM));
  const edge = await stage.startEdge("edge", { denied: [], policy: { rules: [], default: "allow" } });
  const everywhere = clientAddresses();
  // As many requests as tokens, or a multiple: else some token would come again early.
  const somewhere = everywhere.slice(0, SESSIONS * TOKENS_EACH);
  const requests = (addresses: readonly string[], list: readonly string[]): Requests => {
    return { paths: [PATH], addresses, tokens: list };
  };
  const first = tokens.sessions.map((session) => session.tokens[0]);
  const all = Array.from({ length: TOKENS_EACH }, (_, round) =>
    tokens.sessions.map((session) => session.tokens[round] as string),
  ).flat();
  const exceptions = tokenRefusals(first[0] as string);
  const warm = { status: 200, reference: BARE_WARM, requests: requests(somewhere, first) };
  const fresh = { status: 200, reference: BARE_NEW, requests: requests(somewhere, all) };
  const refused = (addresses: readonly string[], list: readonly string[]) => {
    return { status: 401, reference: BARE_401, requests: requests(addresses, list), exceptions: [] };
  };
  const garbage = garbageLike(first);
  const forged = first.map(forge);
  const oneAddress = Array.from({ length: garbage.length }, () => "203.0.113.77");
  const flood = garbage.map((token, index) =>
    index % 2 === 0 ? token : (forged[index % forged.length] ?? ""),
  );
  return [
    { name: BARE_WARM, ...bare, ...warm, exceptions: [] },
    { name: "edge: warm tokens", ...edge, ...warm, exceptions },
    { name: BARE_NEW, ...bare, ...fresh, exceptions: [] },
    { name: "edge: every token new", ...edge, ...fresh, exceptions },
    { name: BARE_401, ...refusing, ...refused(everywhere, garbage) },
    { name: "edge: garbage tokens", ...edge, ...refused(everywhere, garbage) },
    { name: "edge: forged tokens", ...edge, ...refused(everywhere, forged) },
    {
      name: "edge: a flood from one address",
      ...edge,
      ...refused(oneAddress, flood),
      status: 429,
      sometimes: 401,
    },
  ];
}

/** What the edge says of a malformed token, with a request's id in it: as many bytes as it answers. */
const PROBLEM = problemDocument(TOKEN_MALFORMED, 401, undefined, "0f6c1e6b-1795300345.123-88-7");

/** As long as tokens: without dots, with random segments, with a header that promises and does not keep it. */
function garbageLike(tokens: readonly string[]): string[] {
  return Array.from({ length: GARBAGE }, (_, index) => {
    const token = tokens[index % tokens.length] as string;
    const [header = "", payload = "", signature = ""] = token.split(".");
    const noise = randomBytes(token.length).toString("base64url");
    const cut = (from: number, length: number) => noise.slice(from, from + length);
    switch (index % 3) {
      case 0:
        return noise.slice(0, token.length);
      case 1:
        return `${cut(0, header.length)}.${cut(40, payload.length)}.${cut(300, signature.length)}`;
      default:
        return `${header}.${cut(40, payload.length)}.${cut(300, signature.length)}`;
    }
  });
}

function forge(token: string): string {
  return `${token.slice(0, -6)}AAAAAA`;
}
