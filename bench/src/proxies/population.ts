/**
 * Who calls and who is denied: addresses that are the same in each run, all different, the callers spread over
 * the unicast space of IPv4 so that no memo of a few addresses and no part of a geo table serves them all.
 */
export const CLIENTS = 50_000;
export const DENIED = 100_000;
/** Every tenth entry is a /24, the others single addresses: two prefix lengths, as real lists have. */
const BLOCK_EVERY = 10;

export function clientAddresses(): string[] {
  const next = numbersFrom(1);
  const seen = new Set<number>();
  while (seen.size < CLIENTS) {
    const address = next();
    if (isClient(address)) seen.add(address);
  }
  return [...seen].map(dotted);
}

/** CIDR blocks that hold no client: those have an odd third octet, these an even one. */
export function deniedBlocks(): string[] {
  const next = numbersFrom(2);
  const seen = new Set<string>();
  while (seen.size < DENIED) {
    const address = next();
    const octet = address >>> 24;
    if (octet === 0 || octet === 10 || octet === 127 || octet >= 224) continue;
    const even = address & ~0x100;
    seen.add(seen.size % BLOCK_EVERY === 0 ? `${dotted(even & ~0xff)}/24` : dotted(even));
  }
  return [...seen];
}

/** An address of the list, to see it refused. */
export function deniedAddress(blocks: readonly string[]): string {
  return (blocks.find((block) => block.includes("/")) as string).replace(/\.0\/24$/, ".77");
}

/** Many of them, one of each entry. */
export function deniedAddresses(blocks: readonly string[]): string[] {
  return blocks.slice(0, CLIENTS).map((block) => block.replace(/\.0\/24$/, ".77"));
}

function isClient(address: number): boolean {
  const octet = address >>> 24;
  const isUnicast = octet !== 0 && octet !== 10 && octet !== 127 && octet < 224;
  return isUnicast && ((address >>> 8) & 1) === 1;
}

function dotted(address: number): string {
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join(".");
}

/** xorshift32 (Marsaglia 2003): plain and the same everywhere. */
function numbersFrom(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
