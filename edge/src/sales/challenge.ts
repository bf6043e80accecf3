import { CHALLENGE_LENGTH_MAX, CHALLENGE_MAC_LENGTH, challengeText } from "@sluice/contract/sale.ts";
import * as ffi from "ffi";
import { encode_base64url } from "ngx.base64";
import { nowMs } from "../platform/clock.ts";

/**
 * Challenges: `<issued>.<nonce>.<mac>`. The MAC is over sale and user as well, so a challenge is good for nobody else, and
 * nothing has to be remembered of those that were handed out. The one who brings it back has a ticket of that name.
 */
ffi.cdef(`
  unsigned char *HMAC(const void *digest, const void *key, int keyLength, const unsigned char *data, size_t length,
                      unsigned char *mac, unsigned int *macLength);
`);

const MAC_BYTES = 32;
const mac = ffi.new<ffi.Bytes>("unsigned char[32]");
const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";
/** Tells the challenges of this worker from those of all others. @perWorker */
let workerName = "";
/** @perWorker */
let handedOut = 0;

export interface Challenge {
  /** Of the ticket. */
  id: string;
  issuedAtMs: number;
}

export function newChallenge(key: string, saleId: string, userId: string): string {
  if (workerName === "") workerName = base36(math.random(36 ** 6, 36 ** 7 - 1));
  handedOut += 1;
  const id = `${base36(math.floor(nowMs()))}.${workerName}-${base36(handedOut)}`;
  return `${id}.${macOf(key, challengeText(saleId, userId, id))}`;
}

/** Undefined when the sale's edges did not hand it out to that user. */
export function readChallenge(
  text: string,
  key: string,
  saleId: string,
  userId: string,
): Challenge | undefined {
  const length = text.length;
  if (length > CHALLENGE_LENGTH_MAX || length < CHALLENGE_MAC_LENGTH + 4) return undefined;
  const dot = length - CHALLENGE_MAC_LENGTH - 1;
  if (text.substring(dot, dot + 1) !== ".") return undefined;
  const id = text.substring(0, dot);
  if (text.substring(dot + 1) !== macOf(key, challengeText(saleId, userId, id))) return undefined;
  const issued = tonumber(id.substring(0, id.indexOf(".")), 36);
  return issued === undefined ? undefined : { id, issuedAtMs: issued };
}

function macOf(key: string, text: string): string {
  ffi.C.HMAC(ffi.C.EVP_sha256(), key, key.length, text, text.length, mac, undefined);
  const [encoded] = encode_base64url(ffi.string(mac, MAC_BYTES));
  return (encoded as string).substring(0, CHALLENGE_MAC_LENGTH);
}

function base36(value: number): string {
  let text = "";
  let rest = value;
  do {
    const digit = rest % 36;
    text = DIGITS.substring(digit, digit + 1) + text;
    rest = (rest - digit) / 36;
  } while (rest > 0);
  return text;
}

declare module "ffi" {
  interface CLibrary {
    HMAC(
      this: void,
      digest: ffi.CData,
      key: string,
      keyLength: number,
      data: string,
      length: number,
      mac: ffi.Bytes,
      macLength: undefined,
    ): ffi.CData;
  }
}
