import { type Case, inEveryRuntime } from "./in-every-runtime.ts";

const { cases: assertCases } = inEveryRuntime();

const ipv4: Case[] = [
  ["address 0.0.0.0", "0.0.0.0 (4: 0 0 0)"],
  ["address 1.2.3.4", "1.2.3.4 (4: 16909060 0 0)"],
  ["address 127.255.255.255", "127.255.255.255 (4: 2147483647 0 0)"],
  ["address 128.0.0.0", "128.0.0.0 (4: 2147483648 0 0)"],
  ["address 255.255.255.255", "255.255.255.255 (4: 4294967295 0 0)"],
];

/** Forms that some parsers read: inet_aton's short, octal and hexadecimal ones, white space, signs. */
const notIpv4: Case[] = [
  "",
  "1",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.",
  ".1.2.3",
  "1..2.3",
  "1.2.3.4.",
  "256.1.1.1",
  "1.1.1.256",
  "300.1.1.1",
  "1.2.3.1000",
  "4294967296",
  "01.2.3.4",
  "1.2.3.04",
  "1.2.3.00",
  "0x1.2.3.4",
  "1.2.3.-4",
  "+1.2.3.4",
  "1.2.3.4e0",
  "1.2.3.a",
  "1,2,3,4",
  "１.2.3.4",
  "999999999999999999999999999999999999999999999999",
].map((text) => [`address ${text}`, "refused"]);

const ipv6: Case[] = [
  ["address ::", ":: (6: 0 0 0)"],
  ["address ::1", "::1 (6: 0 0 1)"],
  ["address 1::", "1:: (6: 4294967296 0 0)"],
  ["address ::ffff", "::ffff (6: 0 0 65535)"],
  ["address 2001:db8::1", `2001:db8::1 (6: ${0x2001_0db8_0000} 0 1)`],
  ["address 2001:DB8::A", `2001:db8::a (6: ${0x2001_0db8_0000} 0 10)`],
  ["address 2001:0db8:0000:0000:0000:0000:0000:0001", `2001:db8::1 (6: ${0x2001_0db8_0000} 0 1)`],
  [
    "address ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff (6: 281474976710655 281474976710655 4294967295)",
  ],
  // Seven groups and a gap of one are read (RFC 4291), and written without the gap (RFC 5952, 4.2.2).
  ["address 1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0 (6: 4295098371 17180196870 458752)"],
  ["address ::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8 (6: 131075 17180196870 458760)"],
  // The longest run of zeros is compressed, the first of two that are equally long.
  ["address 2001:0:0:1:0:0:0:1", "2001:0:0:1::1 (6: 35188667056128 4294967296 1)"],
  ["address 2001:db8:0:0:1:0:0:1", `2001:db8::1:0:0:1 (6: ${0x2001_0db8_0000} 65536 1)`],
  ["address 0:0:1::", "0:0:1:: (6: 1 0 0)"],
  ["address 1:0:0:2:3:0:0:4", "1::2:3:0:0:4 (6: 4294967296 8590131200 4)"],
  // A single group of zeros is not compressed.
  ["address 1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7 (6: 4294967298 12885164037 393223)"],
  // An embedded IPv4 address outside ::ffff:0:0/96 stays IPv6.
  ["address ::1.2.3.4", "::102:304 (6: 0 0 16909060)"],
  ["address 64:ff9b::1.2.3.4", `64:ff9b::102:304 (6: ${0x0064_ff9b_0000} 0 16909060)`],
  ["address 1:2:3:4:5:6:7.8.9.10", "1:2:3:4:5:6:708:90a (6: 4295098371 17180196870 117967114)"],
];

/** RFC 4291, 2.5.5.2: such an address is the IPv4 address, however it is written. */
const mapped: Case[] = [
  "::ffff:192.0.2.1",
  "::FFFF:192.0.2.1",
  "::ffff:c000:201",
  "0:0:0:0:0:ffff:192.0.2.1",
  "0:0:0:0:0:FFFF:C000:0201",
].map((text) => [`address ${text}`, "192.0.2.1 (4: 3221225985 0 0)"]);

const notIpv6: Case[] = [
  ":",
  ":::",
  "1:",
  ":1",
  "1::2::3",
  "1:::2",
  "::1::",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7:8::",
  "::1:2:3:4:5:6:7:8",
  "1:2:3:4:5:6:7:",
  "12345::",
  "00001::",
  "g::",
  "::1.2.3",
  "::1.2.3.256",
  "::1.2.3.04",
  "1.2.3.4::",
  "::1.2.3.4:5",
  "1:2:3:4:5:6:7:1.2.3.4",
  "[::1]",
  "fe80::1%eth0",
  "::1/128",
  "1:2:3:4:5:6:7:8:",
  "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
].map((text) => [`address ${text}`, "refused"]);

/** nginx's $binary_remote_addr. */
const bytes: Case[] = [
  ["bytes c0000201", "192.0.2.1 (4: 3221225985 0 0)"],
  ["bytes ffffffff", "255.255.255.255 (4: 4294967295 0 0)"],
  ["bytes 20010db8000000000000000000000001", `2001:db8::1 (6: ${0x2001_0db8_0000} 0 1)`],
  ["bytes 00000000000000000000ffffc0000201", "192.0.2.1 (4: 3221225985 0 0)"],
  ["bytes ", "refused"],
  ["bytes c00002", "refused"],
  ["bytes c000020100", "refused"],
];

const blocks: Case[] = [
  ["cidr 0.0.0.0/0", "0.0.0.0/0"],
  ["cidr 255.255.255.255/0", "0.0.0.0/0"],
  ["cidr 10.0.0.0/8", "10.0.0.0/8"],
  ["cidr 10.1.2.3/8", "10.0.0.0/8"],
  ["cidr 192.0.2.255/31", "192.0.2.254/31"],
  ["cidr 192.0.2.255/1", "128.0.0.0/1"],
  ["cidr 192.0.2.1/32", "192.0.2.1"],
  ["cidr 192.0.2.1", "192.0.2.1"],
  ["cidr ::/0", "::/0"],
  ["cidr 2001:db8::1/128", "2001:db8::1"],
  ["cidr 2001:db8::1", "2001:db8::1"],
  ["cidr 2001:db8:ffff::1/32", "2001:db8::/32"],
  // Either side of where one limb ends and the next begins.
  ["cidr ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/47", "ffff:ffff:fffe::/47"],
  ["cidr ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/48", "ffff:ffff:ffff::/48"],
  ["cidr ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/49", "ffff:ffff:ffff:8000::/49"],
  ["cidr ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/95", "ffff:ffff:ffff:ffff:ffff:fffe::/95"],
  ["cidr ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/96", "ffff:ffff:ffff:ffff:ffff:ffff::/96"],
  ["cidr ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/97", "ffff:ffff:ffff:ffff:ffff:ffff:8000:0/97"],
  // Blocks of IPv4-mapped addresses are IPv4 blocks.
  ["cidr ::ffff:10.1.2.3/104", "10.0.0.0/8"],
  ["cidr ::ffff:10.1.2.3/128", "10.1.2.3"],
  ["cidr ::ffff:10.1.2.3", "10.1.2.3"],
  ["cidr ::ffff:0:0/96", "0.0.0.0/0"],
];

const notBlocks: Case[] = [
  "/8",
  "10.0.0.0/",
  "10.0.0.0/33",
  "10.0.0.0/08",
  "10.0.0.0/+8",
  "10.0.0.0/-1",
  "10.0.0.0/8/8",
  "10.0.0.0/8.0",
  "10.0.0.0/255.0.0.0",
  "10.0.0.0/1000",
  "10.0.0/8",
  "300.1.1.1/40",
  "::/129",
  "::/999",
  "::ffff:0:0/95",
  "fe80::%eth0/64",
].map((text) => [`cidr ${text}`, "refused"]);

assertCases("IPv4 addresses", ipv4);
assertCases("what is no IPv4 address", notIpv4);
assertCases("IPv6 addresses", ipv6);
assertCases("IPv4-mapped IPv6 addresses", mapped);
assertCases("what is no IPv6 address", notIpv6);
assertCases("addresses in network byte order", bytes);
assertCases("CIDR blocks", blocks);
assertCases("what is no CIDR block", notBlocks);
