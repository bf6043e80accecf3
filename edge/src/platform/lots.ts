/** A lot from 0 to 2^32 - 1 (CRC-32): the same for the same text at every edge, and evenly spread. */
export function lotOf(text: string): number {
  return ngx.crc32_long(text);
}
