/** What is right, said once more in big integers and plain loops: too slow for the edge, too plain to be wrong. */
export interface Block {
  family: number;
  bits: bigint;
  length: number;
}

/** Reads a block in big integers, by way of the URL parser of Node, which expands IPv6 addresses. */
export function blockOf(text: string): Block | undefined {
  const [written = "", suffix] = text.split("/");
  const whole = bitsOf(written);
  let length = suffix === undefined ? whole.width : Number(suffix);
  if (whole.width === 32 && written.includes(":") && suffix !== undefined) length -= 96;
  if (length < 0) return undefined;
  const hostBits = BigInt(whole.width - length);
  return { family: whole.width, bits: (whole.bits >> hostBits) << hostBits, length };
}

function bitsOf(text: string): { width: number; bits: bigint } {
  if (!text.includes(":")) {
    return { width: 32, bits: text.split(".").reduce((bits, octet) => bits * 256n + BigInt(octet), 0n) };
  }
  const [head = "", tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const gap = Array.from({ length: 8 - left.length - right.length }, () => "0");
  const groups = [...left, ...gap, ...right];
  const bits = groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
  return bits >> 32n === 0xffffn ? { width: 32, bits: bits & 0xffff_ffffn } : { width: 128, bits };
}

/** Index of the longest of the blocks that hold the address; of equal blocks the last, which replaced the others. */
export function longestMatch(blocks: readonly string[], probe: string): number {
  const address = bitsOf(probe);
  let best = -1;
  let bestLength = -1;
  for (const [index, text] of blocks.entries()) {
    const block = blockOf(text);
    if (block === undefined || block.family !== address.width) continue;
    const hostBits = BigInt(block.family - block.length);
    const holdsIt = address.bits >> hostBits === block.bits >> hostBits;
    if (holdsIt && block.length >= bestLength) {
      best = index;
      bestLength = block.length;
    }
  }
  return best;
}

/** The same for blocks that are written differently. */
export function keyOf(text: string): string {
  const block = blockOf(text);
  return block === undefined ? text : `${block.family} ${block.bits} ${block.length}`;
}
