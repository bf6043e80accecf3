import { allocateFlat } from "./flat-memory.ts";

/**
 * IP addresses and CIDR blocks, in numbers that a double holds exactly, so that JavaScript and LuaJIT
 * compute the same without bit operators (which are signed 32-bit in both).
 *
 * An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`, RFC 4291 2.5.5.2) is the IPv4 address.
 */
export interface Address {
  family: 4 | 6;
  /** IPv4: all 32 bits. IPv6: bits 0 to 47, from the left. */
  a: number;
  /** IPv6: bits 48 to 95. IPv4: 0. */
  b: number;
  /** IPv6: bits 96 to 127. IPv4: 0. */
  c: number;
}

export interface Cidr {
  /** The first address of the block: host bits are zero. */
  base: Address;
  /** 0 to 32 for IPv4, 0 to 128 for IPv6. */
  length: number;
}

/** Up to 2^48. */
export const POWERS_OF_TWO = allocateFlat("double", 49);
for (let i = 0; i <= 48; i++) POWERS_OF_TWO[i] = 2 ** i;

const DOT = 46;
const COLON = 58;
const ZERO = 48;
const NINE = 57;

/** Addresses are at most 45 characters long (RFC 4291, with an embedded IPv4 address). */
const ADDRESS_TEXT_MAX = 45;

/**
 * Parses an address in text form (RFC 4291 2.2; dotted quads after RFC 6943 3.1.1, so no octal and no
 * leading zeros). Zone ids (`%eth0`) are refused: they mean something on one host only.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.length === 0 || text.length > ADDRESS_TEXT_MAX) return undefined;
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) === COLON) return parseIpv6(text);
  }
  const value = parseIpv4(text, 0);
  return value === undefined ? undefined : { family: 4, a: value, b: 0, c: 0 };
}

/** Reads network byte order: 4 or 16 bytes, one per character (nginx's `$binary_remote_addr`). */
export function addressFromBytes(bytes: string): Address | undefined {
  if (bytes.length === 4) {
    return { family: 4, a: pair(bytes, 0) * 65536 + pair(bytes, 2), b: 0, c: 0 };
  }
  if (bytes.length !== 16) return undefined;
  return fromGroups([
    pair(bytes, 0),
    pair(bytes, 2),
    pair(bytes, 4),
    pair(bytes, 6),
    pair(bytes, 8),
    pair(bytes, 10),
    pair(bytes, 12),
    pair(bytes, 14),
  ]);
}

/** Parses `address/length`, or a bare address as a block of one. Host bits are cleared. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  if (slash === -1) {
    const single = parseAddress(text);
    return single === undefined ? undefined : { base: single, length: addressBits(single) };
  }
  const written = text.substring(0, slash);
  const address = parseAddress(written);
  let length = parsePrefixLength(text.substring(slash + 1));
  if (address === undefined || length === undefined) return undefined;
  if (address.family === 4 && written.indexOf(":") !== -1) {
    // ::ffff:0:0/96 is all of IPv4; a shorter prefix would cover more than addresses of one family.
    if (length < 96) return undefined;
    length -= 96;
  }
  if (length > addressBits(address)) return undefined;
  return { base: maskAddress(address, length), length };
}

/** Clears all bits right of `length`. */
export function maskAddress(address: Address, length: number): Address {
  if (address.family === 4) return { family: 4, a: maskLimb(address.a, 32, length), b: 0, c: 0 };
  return {
    family: 6,
    a: maskLimb(address.a, 48, length),
    b: maskLimb(address.b, 48, length - 48),
    c: maskLimb(address.c, 32, length - 96),
  };
}

/** Clears the bits of a limb of `width` bits that lie right of `length`. */
export function maskLimb(limb: number, width: number, length: number): number {
  if (length >= width) return limb;
  if (length <= 0) return 0;
  return limb - (limb % (POWERS_OF_TWO[width - length] as number));
}

/** 32 or 128. */
export function addressBits(address: Address): number {
  return address.family === 4 ? 32 : 128;
}

/** Canonical text form: dotted quad, or RFC 5952. */
export function formatAddress(address: Address): string {
  if (address.family === 4) return formatIpv4(address.a);
  return formatIpv6(toGroups(address));
}

/** Canonical text form; a block of one is written as the bare address. */
export function formatCidr(cidr: Cidr): string {
  const base = formatAddress(cidr.base);
  return cidr.length === addressBits(cidr.base) ? base : `${base}/${decimal(cidr.length)}`;
}

function pair(bytes: string, at: number): number {
  return bytes.charCodeAt(at) * 256 + bytes.charCodeAt(at + 1);
}

function parsePrefixLength(text: string): number | undefined {
  if (text.length === 0 || text.length > 3) return undefined;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i);
    if (digit < ZERO || digit > NINE || (i === 0 && digit === ZERO && text.length > 1)) return undefined;
    value = value * 10 + (digit - ZERO);
  }
  return value <= 128 ? value : undefined;
}

/** Reads a dotted quad that starts at `from` and ends with the text. */
function parseIpv4(text: string, from: number): number | undefined {
  let value = 0;
  let octet = -1;
  let octets = 0;
  for (let i = from; i <= text.length; i++) {
    const character = i < text.length ? text.charCodeAt(i) : DOT;
    if (character === DOT) {
      if (octet === -1 || octets === 4) return undefined;
      value = value * 256 + octet;
      octets += 1;
      octet = -1;
    } else {
      if (character < ZERO || character > NINE || octet === 0) return undefined;
      octet = (octet === -1 ? 0 : octet * 10) + (character - ZERO);
      if (octet > 255) return undefined;
    }
  }
  return octets === 4 ? value : undefined;
}

function parseIpv6(text: string): Address | undefined {
  const groups: number[] = [];
  let gap = -1;
  let i = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.length < 2 || text.charCodeAt(1) !== COLON) return undefined;
    gap = 0;
    i = 2;
  }
  while (i < text.length) {
    const stop = endOfGroup(text, i);
    if (stop < text.length && text.charCodeAt(stop) === DOT) {
      const quad = parseIpv4(text, i);
      if (quad === undefined) return undefined;
      groups.push(Math.floor(quad / 65536), quad % 65536);
      i = text.length;
      break;
    }
    const group = parseHexGroup(text, i, stop);
    if (group === undefined) return undefined;
    groups.push(group);
    if (stop === text.length) break;
    if (text.charCodeAt(stop) !== COLON) return undefined;
    i = stop + 1;
    if (i === text.length) return undefined;
    if (text.charCodeAt(i) === COLON) {
      if (gap !== -1) return undefined;
      gap = groups.length;
      i += 1;
    }
  }
  return expandGroups(groups, gap);
}

function endOfGroup(text: string, from: number): number {
  let stop = from;
  while (stop < text.length && hexDigit(text.charCodeAt(stop)) !== -1) stop += 1;
  return stop;
}

function parseHexGroup(text: string, from: number, stop: number): number | undefined {
  if (stop === from || stop - from > 4) return undefined;
  let value = 0;
  for (let i = from; i < stop; i++) value = value * 16 + hexDigit(text.charCodeAt(i));
  return value;
}

function hexDigit(character: number): number {
  if (character >= ZERO && character <= NINE) return character - ZERO;
  if (character >= 97 && character <= 102) return character - 87;
  if (character >= 65 && character <= 70) return character - 55;
  return -1;
}

/** Puts the zeros of `::` back; `gap` is how many groups stood before it, -1 when there was none. */
function expandGroups(groups: number[], gap: number): Address | undefined {
  if (gap === -1) return groups.length === 8 ? fromGroups(groups) : undefined;
  if (groups.length > 7) return undefined;
  const zeros = 8 - groups.length;
  const all: number[] = [];
  for (let i = 0; i < gap; i++) all.push(groups[i] as number);
  for (let i = 0; i < zeros; i++) all.push(0);
  for (let i = gap; i < groups.length; i++) all.push(groups[i] as number);
  return fromGroups(all);
}

/** Eight groups of 16 bits. */
function fromGroups(groups: number[]): Address {
  const a = (group(groups, 0) * 65536 + group(groups, 1)) * 65536 + group(groups, 2);
  const b = (group(groups, 3) * 65536 + group(groups, 4)) * 65536 + group(groups, 5);
  const c = group(groups, 6) * 65536 + group(groups, 7);
  if (a === 0 && b === 65535) return { family: 4, a: c, b: 0, c: 0 };
  return { family: 6, a, b, c };
}

function group(groups: number[], index: number): number {
  return groups[index] as number;
}

function toGroups(address: Address): number[] {
  return [
    Math.floor(address.a / 4294967296),
    Math.floor(address.a / 65536) % 65536,
    address.a % 65536,
    Math.floor(address.b / 4294967296),
    Math.floor(address.b / 65536) % 65536,
    address.b % 65536,
    Math.floor(address.c / 65536),
    address.c % 65536,
  ];
}

function formatIpv4(value: number): string {
  return (
    decimal(Math.floor(value / 16777216)) +
    "." +
    decimal(Math.floor(value / 65536) % 256) +
    "." +
    decimal(Math.floor(value / 256) % 256) +
    "." +
    decimal(value % 256)
  );
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as `::`. */
function formatIpv6(groups: number[]): string {
  let bestStart = -1;
  let bestLength = 1;
  let start = -1;
  for (let i = 0; i < 8; i++) {
    if (group(groups, i) !== 0) {
      start = -1;
      continue;
    }
    if (start === -1) start = i;
    if (i - start + 1 > bestLength) {
      bestStart = start;
      bestLength = i - start + 1;
    }
  }
  let text = "";
  let i = 0;
  while (i < 8) {
    if (i === bestStart) {
      text += "::";
      i += bestLength;
      continue;
    }
    if (text.length > 0 && i !== bestStart + bestLength) text += ":";
    text += hex(group(groups, i));
    i += 1;
  }
  return text;
}

const HEX_DIGITS = "0123456789abcdef";

function hex(value: number): string {
  let text = "";
  let rest = value;
  do {
    text = HEX_DIGITS.charAt(rest % 16) + text;
    rest = Math.floor(rest / 16);
  } while (rest > 0);
  return text;
}

/** Decimal digits of a small whole number; `String(n)` differs between the runtimes for floats. */
function decimal(value: number): string {
  let text = "";
  let rest = value;
  do {
    text = HEX_DIGITS.charAt(rest % 10) + text;
    rest = Math.floor(rest / 10);
  } while (rest > 0);
  return text;
}
