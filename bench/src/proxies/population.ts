/**
 * Who calls and who is denied: addresses that are the same in each run, all different, the callers spread over
 * the unicast space of IPv4 so that no memo of a few addresses and no part of a geo table serves them all.
 */
export const CLIENTS = 50_000;
export const DENIED = 100_000;
const MIXED = 1_000_000;
/** The first octet of longer networks, which would hold clients anywhere else. */
const NO_CLIENTS = 99;
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

/**
 * A list as great as lists get: a million blocks of both families and many lengths. Single addresses lie anywhere,
 * so that one caller in twenty has a listed neighbour in its own /24 and the list's filters don't answer for all.
 */
export function mixedBlocks(count = MIXED): string[] {
  const next = numbersFrom(3);
  const clients = new Set(clientAddresses());
  const seen = new Set<string>();
  while (seen.size < count) {
    const address = next();
    const octet = address >>> 24;
    if (octet === 0 || octet === 10 || octet === 127 || octet >= 224) continue;
    const block = blockOf(next() % 100, address, next);
    if (!clients.has(block)) seen.add(block);
  }
  return [...seen];
}

/** Of a hundred: 60 addresses and 20 networks of IPv4, 20 of IPv6. `kind` is 0 to 99. */
function blockOf(kind: number, address: number, next: () => number): string {
  // No client has an even third octet.
  const network = address & ~0x1ff;
  if (kind < 60) return dotted(address);
  if (kind < 75) return `${dotted(network)}/24`;
  if (kind < 78) return `${dotted(network + ((address & 7) << 5))}/27`;
  if (kind < 80) return `${dotted((NO_CLIENTS << 24) | (address & 0xfff000))}/${20 + (kind % 2) * 2}`;
  const group = (value: number) => (value & 0xffff).toString(16);
  const site = `2a${(address >>> 24).toString(16).padStart(2, "0")}:${group(address)}:${group(next())}`;
  if (kind < 88) return `${site}::/48`;
  if (kind < 94) return `${site}:${group(next())}::/64`;
  if (kind < 98) return `${site}:${group(next())}::${group(next())}:${group(next() | 1)}`;
  return `2a${(address >>> 24).toString(16).padStart(2, "0")}:${group(address)}::/${kind === 98 ? 32 : 36}`;
}

/** An address of the list, to see it refused. */
export function deniedAddress(blocks: readonly string[]): string {
  return (blocks.find((block) => block.includes("/")) as string).replace(/\.0\/24$/, ".77");
}

/** Many of them, one of each entry of IPv4. */
export function deniedAddresses(blocks: readonly string[]): string[] {
  const ipv4 = blocks.filter((block) => !block.includes(":") && !/\/2[0-37]$/.test(block));
  return ipv4.slice(0, CLIENTS).map((block) => block.replace(/\.0\/24$/, ".77"));
}

function isClient(address: number): boolean {
  const octet = address >>> 24;
  const isUnicast = octet !== 0 && octet !== 10 && octet !== 127 && octet < 224 && octet !== NO_CLIENTS;
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
