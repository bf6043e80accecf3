/**
 * What the edge's checks cost, held against bare nginx.
 *
 * All proxies stand in front of one upstream (nginx, `return 200`), each with one worker, keep-alive on both
 * sides, the client address taken from `X-Forwarded-For` of a trusted peer, and one line of log for each request.
 * wrk keeps 32 connections busy. The proxy under test has a core to itself (see processor.ts).
 *
 * Requests come in turn from 50,000 addresses and, where a token is needed, with those of 1,000 sessions: the
 * edge remembers what it knows of an address and of a token, and one address or one token would flatter it. The
 * row "one address" shows by how much. What is remembered is checked once at its first use, within the warm-up;
 * HAProxy remembers nothing and verifies each token again, and checks no session.
 *
 * Each row is held against bare nginx with the very same requests: a token is half a kilobyte of header that costs
 * every proxy something to read and to pass on.
 *
 * "All checks" is a list of 100,000 entries, five rules over 25 countries, token and session. "1 M" is a list of a
 * million mixed entries; its rules are 38 about countries and 12 that are asked of every request; its limit counts each
 * address, and is never reached. HAProxy has the same million and no rules.
 *
 * Every row has passed its own proof before it is measured (contender.ts): a good request gets through, a denied
 * address and a forged token do not. A run in which a single request fails is no measurement.
 *
 * Refusals are held against nginx's own `return 403`, which looks nothing up.
 */
import { measureInTurn } from "../proxies/rounds.ts";
import { onStage } from "../proxies/stage.ts";
import type { Suite } from "../suite.ts";
import { startContenders } from "./contenders.ts";

export const edgeSuite: Suite = {
  name: "edge",
  summary: "bare nginx, the edge feature by feature, HAProxy: requests/s and CPU per request",
  run: (options) =>
    onStage(1, async (stage) => {
      options.progress("starting the proxies");
      return measureInTurn("edge", await startContenders(stage), stage.home, options);
    }),
};
