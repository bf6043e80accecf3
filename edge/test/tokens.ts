import { type KeyObject, sign } from "node:crypto";
import { KEY_ID } from "./edge-under-test.ts";

export const SESSION = "0190f3a2-7b6c-7d4e-8f90-a1b2c3d4e5f6";

/** A compact JWS, made by hand so that every part of it can be wrong. */
export function token(key: KeyObject, claims: object = {}, header: object = {}): string {
  const nowS = Math.floor(Date.now() / 1000);
  const head = segment({ alg: "RS256", typ: "at+jwt", kid: KEY_ID, ...header });
  const payload = segment({
    iss: "sluice",
    aud: "sluice",
    sub: "42",
    sid: SESSION,
    iat: nowS,
    exp: nowS + 600,
    ...claims,
  });
  return `${head}.${payload}.${sign("sha256", Buffer.from(`${head}.${payload}`), key).toString("base64url")}`;
}

function segment(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
