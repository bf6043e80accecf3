import type { FastifyRequest } from "fastify";

/**
 * What a route needs. Every route declares it as `config: { access: … }`; registration fails when one
 * doesn't, so nothing is open by omission.
 *
 * - `public`: nobody needs to be known.
 * - `user`: a valid access token; the handler finds its owner in `request.user`.
 * - `operator`: the operators' token; such routes live on the operators' listener only.
 */
export type Access = "public" | "user" | "operator";

/** Who an access token speaks for. */
export interface AuthenticatedUser {
  readonly id: number;
  readonly sessionId: string;
}

/** What a listener can check. A route that needs what its listener can't check fails at registration. */
export interface Authenticators {
  /** Returns the token's owner or throws a refusal. */
  readonly user?: (request: FastifyRequest) => Promise<AuthenticatedUser>;
  /** Throws a refusal when the operators' token isn't there. */
  readonly operator?: (request: FastifyRequest) => Promise<void>;
}

declare module "fastify" {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    /** Only on routes with `access: "user"`; reading it elsewhere is a bug and throws. */
    readonly user: AuthenticatedUser;
  }
}
