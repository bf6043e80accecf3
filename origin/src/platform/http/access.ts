import type { FastifyRequest } from "fastify";

/**
 * What an operator's token may be good for, a word for each kind of work. A token has some of them; the one in
 * `.sluice/ops-token` has all.
 */
export const operatorScopes = [
  /** Look at policy, lists, decisions, metrics. */
  "read",
  /** Publish and restore the access policy. */
  "policy",
  /** Edit the allow list and the deny list. */
  "lists",
  /** End sessions. */
  "sessions",
  /** Rotate the keys that sign access tokens. */
  "keys",
  /** Products and their stock, flash sales. */
  "catalog",
  /** Orders of others. */
  "orders",
  /** Who signed in from where. */
  "audit",
] as const;

export type OperatorScope = (typeof operatorScopes)[number];

/**
 * What a route needs. Every route declares it as `config: { access: … }`; registration fails when one
 * doesn't, so nothing is open by omission. `edge/routes.ts` is held against these declarations by a test.
 *
 * - `public`: nobody needs to be known.
 * - `user`: a valid access token; the handler finds its owner in `request.user`.
 * - `operator:…`: an operator's token with that scope; such routes live on the operators' listener only, and
 *   the handler finds who it is in `request.operator`.
 */
export type Access = "public" | "user" | `operator:${OperatorScope}`;

/** Who an access token speaks for. */
export interface AuthenticatedUser {
  readonly id: number;
  readonly sessionId: string;
}

/** Whose token an operator's request came with. */
export interface AuthenticatedOperator {
  /** For the record: who did it. */
  readonly name: string;
  /** It was the one token that all operators may have: its name says nothing. */
  readonly shared: boolean;
}

/** What a listener can check. A route that needs what its listener can't check fails at registration. */
export interface Authenticators {
  /** Returns the token's owner or throws a refusal. */
  readonly user?: (request: FastifyRequest) => Promise<AuthenticatedUser>;
  /** Throws a refusal when no operator's token is there, or one without the scope. */
  readonly operator?: (request: FastifyRequest, scope: OperatorScope) => Promise<AuthenticatedOperator>;
}

/** A route as it was registered, for whoever compares. */
export interface DeclaredRoute {
  readonly method: string;
  /** With `:name` for a part of the path. */
  readonly path: string;
  readonly access: Access;
}

declare module "fastify" {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    /** Only on routes with `access: "user"`; reading it elsewhere is a bug and throws. */
    readonly user: AuthenticatedUser;
    /** Whether the user's token would be accepted now as well: for answers that go on for a long time. */
    isStillAllowed(): Promise<boolean>;
    /** Only on routes with `access: "operator:…"`; reading it elsewhere is a bug and throws. */
    readonly operator: AuthenticatedOperator;
  }
}
