import { isIP } from "node:net";
import { HEADER_CLIENT_ADDRESS, HEADER_COUNTRY } from "@sluice/contract/headers.ts";
import type { FastifyRequest } from "fastify";

/** Where a request comes from, as the edge saw it. */
export interface Client {
  /** Canonical text. */
  readonly address: string;
  /** ISO 3166-1 alpha-2, or `ZZ`. */
  readonly country: string;
  /** What the client says of itself: nothing may depend on it. */
  readonly userAgent: string;
  readonly requestId: string;
}

export const userAgentLengthMax = 255;

/**
 * Only the edge reaches this port, and it takes off such fields from what clients send; else the peer's address. In
 * a form that can be stored whatever was sent.
 */
export function clientOf(request: FastifyRequest): Client {
  const address = textOf(request, HEADER_CLIENT_ADDRESS);
  const country = textOf(request, HEADER_COUNTRY);
  return {
    address: isIP(address) === 0 ? request.ip : address,
    country: /^[A-Z]{2}$/.test(country) ? country : "ZZ",
    userAgent: textOf(request, "user-agent").slice(0, userAgentLengthMax),
    requestId: request.id,
  };
}

function textOf(request: FastifyRequest, name: string): string {
  const field = request.headers[name];
  return typeof field === "string" ? field : "";
}
