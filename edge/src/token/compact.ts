import { decode_base64url, encode_base64url } from "ngx.base64";

/** The three segments of a compact JWS (RFC 7515, 7.1), as they were written. */
export interface CompactToken {
  header: string;
  payload: string;
  signature: string;
  /** What the signature is over. */
  signed: string;
}

const DOT = ".";

/** Exactly three segments, none of them empty: `h.p.s.` is not a token. */
export function splitCompact(text: string): CompactToken | undefined {
  const first = text.indexOf(DOT);
  if (first <= 0) return undefined;
  const second = text.indexOf(DOT, first + 1);
  if (second <= first + 1 || second === text.length - 1) return undefined;
  if (text.indexOf(DOT, second + 1) !== -1) return undefined;
  return {
    header: text.substring(0, first),
    payload: text.substring(first + 1, second),
    signature: text.substring(second + 1),
    signed: text.substring(0, second),
  };
}

/**
 * Decodes base64url that is canonical: no padding, no other characters, unused bits zero (RFC 4648, 3.5). The
 * decoder is lenient about all of these, so what it gives is encoded again and compared: otherwise one token
 * would have many spellings.
 */
export function decodeSegment(segment: string): string | undefined {
  const [decoded] = decode_base64url(segment);
  if (decoded === undefined) return undefined;
  const [again] = encode_base64url(decoded);
  return again === segment ? decoded : undefined;
}
