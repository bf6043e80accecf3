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
}

export const userAgentLengthMax = 255;

/** Only the edge reaches this port, and it takes off such fields from what clients send; else the peer's address. */
export function clientOf(request: FastifyRequest): Client {
  const { headers, ip } = request;
  return {
    address: one(headers[HEADER_CLIENT_ADDRESS]) ?? ip,
    country: one(headers[HEADER_COUNTRY]) ?? "ZZ",
    userAgent: (headers["user-agent"] ?? "").slice(0, userAgentLengthMax),
  };
}

function one(field: string | string[] | undefined): string | undefined {
  return typeof field === "string" && field !== "" ? field : undefined;
}
