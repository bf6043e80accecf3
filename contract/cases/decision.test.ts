import { type Case, inEveryRuntime } from "./in-every-runtime.ts";

const { cases: assertCases } = inEveryRuntime();

assertCases("a table finds the longest block that is still in force", [
  ["find deny 10.1.2.3 0", "none"],
  ["list deny 10.0.0.0/8 1 0", "1 listed"],
  ["list deny 10.1.0.0/16 2 5000", "2 listed"],
  ["list deny 10.1.2.3 3 3000", "3 listed"],
  ["find deny 10.1.2.3 2999", "3"],
  ["find deny 10.1.2.3 3000", "2"],
  ["find deny 10.1.2.3 4999", "2"],
  ["find deny 10.1.2.3 5000", "1"],
  ["find deny 10.1.9.9 4999", "2"],
  ["find deny 11.0.0.0 0", "none"],
  ["find deny 9.255.255.255 0", "none"],
  ["find allow 10.1.2.3 0", "none"],
  // A block that was listed is told apart from one that holds it, and is there after its time.
  ["listed deny 10.1.2.3", "3"],
  ["listed deny 10.1.9.9", "none"],
  ["listed deny 10.1.9.9/16", "2"],
  ["listed allow 10.0.0.0/8", "none"],
  // A block that is written anew replaces its entry, and whatever form names it removes it.
  ["list deny 10.1.2.3/32 7 0", "3 listed"],
  ["find deny 10.1.2.3 9000", "7"],
  ["unlist deny ::ffff:10.1.2.3", "2 listed"],
  ["find deny 10.1.2.3 0", "2"],
  ["unlist deny 10.1.2.3", "2 listed"],
  ["unlist deny 99.0.0.0/8", "2 listed"],
]);

assertCases("a table holds the whole of each family, apart from each other", [
  ["list deny ::/0 1 0", "1 listed"],
  ["find deny 1.2.3.4 0", "none"],
  ["find deny ::1 0", "1"],
  ["find deny ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 0", "1"],
  ["find deny ::ffff:1.2.3.4 0", "none"],
  ["list deny 0.0.0.0/0 2 0", "2 listed"],
  ["find deny 255.255.255.255 0", "2"],
  ["find deny ::ffff:1.2.3.4 0", "2"],
  // :: and 0.0.0.0 have the same limbs.
  ["unlist deny 0.0.0.0/0", "1 listed"],
  ["find deny 0.0.0.0 0", "none"],
  ["find deny :: 0", "1"],
]);

assertCases("IPv6 blocks of every limb", [
  ["list deny 2001:db8::/32 32 0", "1 listed"],
  ["list deny 2001:db8:1::/48 48 0", "2 listed"],
  ["list deny 2001:db8:1:1::/64 64 0", "3 listed"],
  ["list deny 2001:db8:1:1::/96 96 0", "4 listed"],
  ["list deny 2001:db8:1:1::1:0/112 112 0", "5 listed"],
  ["list deny 2001:db8:1:1::1:1 128 0", "6 listed"],
  ["find deny 2001:db8:ffff::1 0", "32"],
  ["find deny 2001:db8:1:ffff:: 0", "48"],
  ["find deny 2001:db8:1:1:1:: 0", "64"],
  ["find deny 2001:db8:1:1::2:0 0", "96"],
  ["find deny 2001:db8:1:1::1:2 0", "112"],
  ["find deny 2001:db8:1:1::1:1 0", "128"],
  ["find deny 2001:db9:: 0", "none"],
]);

const order: Case[] = [
  ["decide 192.0.2.1 DE GET / 0", "allow 0 default |allow-list  no|deny-list  no|default  yes"],
  ["list allow 192.0.2.1 11 0", "1 listed"],
  ["list deny 192.0.2.0/24 12 0", "1 listed"],
  ["rule no-germany deny enforce - DE - -", "1 rules"],
  // The allow list comes before everything, the deny list before the rules, the rules before the default.
  ["decide 192.0.2.1 DE GET / 0", "allow 0 allow-list |allow-list 11 yes"],
  ["decide 192.0.2.2 DE GET / 0", "deny 403 deny-list |allow-list  no|deny-list 12 yes"],
  [
    "decide 198.51.100.1 DE GET / 0",
    "deny 403 rule no-germany|allow-list  no|deny-list  no|rule no-germany yes",
  ],
  [
    "decide 198.51.100.1 FR GET / 0",
    "allow 0 default |allow-list  no|deny-list  no|rule no-germany no|default  yes",
  ],
  ["default deny", "deny"],
  [
    "decide 198.51.100.1 FR GET / 0",
    "deny 403 default |allow-list  no|deny-list  no|rule no-germany no|default  yes",
  ],
];

const conditions: Case[] = [
  ["default deny", "deny"],
  ["rule shop allow enforce - DE,FR GET,HEAD /shop", "1 rules"],
  ["decide 1.1.1.1 DE GET /shop 0", "allow 0 rule shop|allow-list  no|deny-list  no|rule shop yes"],
  ["decide 1.1.1.1 FR HEAD /shopping/cart 0", "allow 0 rule shop|allow-list  no|deny-list  no|rule shop yes"],
  [
    "decide 1.1.1.1 US GET /shop 0",
    "deny 403 default |allow-list  no|deny-list  no|rule shop no|default  yes",
  ],
  [
    "decide 1.1.1.1 DE POST /shop 0",
    "deny 403 default |allow-list  no|deny-list  no|rule shop no|default  yes",
  ],
  [
    "decide 1.1.1.1 DE GET /sho 0",
    "deny 403 default |allow-list  no|deny-list  no|rule shop no|default  yes",
  ],
  [
    "decide 1.1.1.1 DE GET /x/shop 0",
    "deny 403 default |allow-list  no|deny-list  no|rule shop no|default  yes",
  ],
  ["decide 1.1.1.1 DE GET  0", "deny 403 default |allow-list  no|deny-list  no|rule shop no|default  yes"],
  // Case counts, and no country is hidden in the names of what objects inherit.
  [
    "decide 1.1.1.1 de GET /shop 0",
    "deny 403 default |allow-list  no|deny-list  no|rule shop no|default  yes",
  ],
  [
    "decide 1.1.1.1 constructor GET /shop 0",
    "deny 403 default |allow-list  no|deny-list  no|rule shop no|default  yes",
  ],
  [
    "decide 1.1.1.1 DE __proto__ /shop 0",
    "deny 403 default |allow-list  no|deny-list  no|rule shop no|default  yes",
  ],
];

const heads: Case[] = [
  ["rule probes deny enforce 404 - HEAD /probed", "1 rules"],
  ["rule no-reading deny enforce - - GET -", "2 rules"],
  [
    "decide 1.1.1.1 US GET / 0",
    "deny 403 rule no-reading|allow-list  no|deny-list  no|rule probes no|rule no-reading yes",
  ],
  [
    "decide 1.1.1.1 US HEAD / 0",
    "deny 403 rule no-reading|allow-list  no|deny-list  no|rule probes no|rule no-reading yes",
  ],
  [
    "decide 1.1.1.1 US POST / 0",
    "allow 0 default |allow-list  no|deny-list  no|rule probes no|rule no-reading no|default  yes",
  ],
  // A rule that names HEAD by itself leaves GET alone, and comes in its turn.
  ["decide 1.1.1.1 US HEAD /probed 0", "deny 404 rule probes|allow-list  no|deny-list  no|rule probes yes"],
  [
    "decide 1.1.1.1 US GET /probed 0",
    "deny 403 rule no-reading|allow-list  no|deny-list  no|rule probes no|rule no-reading yes",
  ],
];

const statuses: Case[] = [
  ["rule a deny enforce 451 CN - -", "1 rules"],
  ["rule b deny enforce 404 - - /admin", "2 rules"],
  ["rule c deny enforce - ZZ - -", "3 rules"],
  ["decide 1.1.1.1 CN GET / 0", "deny 451 rule a|allow-list  no|deny-list  no|rule a yes"],
  ["decide 1.1.1.1 US GET /admin 0", "deny 404 rule b|allow-list  no|deny-list  no|rule a no|rule b yes"],
  [
    "decide 1.1.1.1 ZZ GET / 0",
    "deny 403 rule c|allow-list  no|deny-list  no|rule a no|rule b no|rule c yes",
  ],
];

const observing: Case[] = [
  ["rule watch deny observe - - - -", "1 rules"],
  ["rule hold deny enforce - - POST -", "2 rules"],
  ["rule late deny observe - - - -", "3 rules"],
  [
    "decide 1.1.1.1 US GET / 0",
    "allow 0 default |allow-list  no|deny-list  no|observed-rule watch yes|rule hold no|observed-rule late yes|default  yes",
  ],
  [
    "decide 1.1.1.1 US POST / 0",
    "deny 403 rule hold|allow-list  no|deny-list  no|observed-rule watch yes|rule hold yes",
  ],
  // Counted once for each of the two decisions that a question asks for; never after one that is enforced.
  ["observed", "watch=4 hold=0 late=2 "],
];

const lapsing: Case[] = [
  ["list allow 192.0.2.0/24 1 1000", "1 listed"],
  ["list deny 192.0.2.1 2 2000", "1 listed"],
  ["decide 192.0.2.1 US GET / 999", "allow 0 allow-list |allow-list 1 yes"],
  ["decide 192.0.2.1 US GET / 1000", "deny 403 deny-list |allow-list  no|deny-list 2 yes"],
  ["decide 192.0.2.1 US GET / 2000", "allow 0 default |allow-list  no|deny-list  no|default  yes"],
];

const DENIED = "deny 403 rule a|allow-list  no|deny-list  no|rule a yes";
const PASSED = "allow 0 default |allow-list  no|deny-list  no|rule a no|default  yes";

const continents: Case[] = [
  ["continent DE", "EU"],
  ["continent TR", "AS"],
  ["continent ZZ", "ZZ"],
  ["continent constructor", "ZZ"],
  ["rule a deny enforce - - - -", "1 rules"],
  ["where is continent EU,ZZ", "continent"],
  ["decide 1.1.1.1 DE GET / 0", DENIED],
  ["decide 1.1.1.1 ZZ GET / 0", DENIED],
  ["decide 1.1.1.1 US GET / 0", PASSED],
  ["where not country DE", "country"],
  ["decide 1.1.1.1 DE GET / 0", PASSED],
  ["decide 1.1.1.1 FR GET / 0", DENIED],
];

const blocks: Case[] = [
  ["rule a deny enforce - - - -", "1 rules"],
  ["where is cidr 10.0.0.0/8,2001:db8::/32,::ffff:192.0.2.0/120", "cidr"],
  ["decide 10.255.0.1 DE GET / 0", DENIED],
  ["decide ::ffff:10.0.0.1 DE GET / 0", DENIED],
  ["decide 192.0.2.255 DE GET / 0", DENIED],
  ["decide 2001:db8:ffff::1 DE GET / 0", DENIED],
  ["decide 11.0.0.1 DE GET / 0", PASSED],
  ["decide ::10.0.0.1 DE GET / 0", PASSED],
  ["where not cidr 10.1.0.0/16", "cidr"],
  ["decide 10.1.2.3 DE GET / 0", PASSED],
  ["decide 10.2.2.3 DE GET / 0", DENIED],
];

const hosts: Case[] = [
  ["rule a deny enforce - - - -", "1 rules"],
  ["where is host shop.example,*.b.example", "host"],
  ["decide 1.1.1.1 DE GET / 0 shop.example", DENIED],
  ["decide 1.1.1.1 DE GET / 0 x.shop.example", PASSED],
  ["decide 1.1.1.1 DE GET / 0 a.b.example", DENIED],
  ["decide 1.1.1.1 DE GET / 0 c.a.b.example", DENIED],
  ["decide 1.1.1.1 DE GET / 0 b.example", PASSED],
  ["decide 1.1.1.1 DE GET / 0 .b.example", PASSED],
  ["decide 1.1.1.1 DE GET / 0 xb.example", PASSED],
  ["decide 1.1.1.1 DE GET / 0 constructor", PASSED],
  ["decide 1.1.1.1 DE GET / 0", PASSED],
];

const negations: Case[] = [
  ["rule a deny enforce - - - /shop", "1 rules"],
  ["where not method GET,HEAD", "method"],
  ["where not pathPrefix /shop/open", "pathPrefix"],
  ["where not host in.example", "host"],
  ["decide 1.1.1.1 DE POST /shop 0", DENIED],
  ["decide 1.1.1.1 DE GET /shop 0", PASSED],
  ["decide 1.1.1.1 DE POST /shop/opening 0", PASSED],
  ["decide 1.1.1.1 DE POST /shop 0 in.example", PASSED],
  ["decide 1.1.1.1 DE POST /other 0", PASSED],
];

const ends: Case[] = [
  ["rule a deny enforce - - - -", "1 rules"],
  ["ends 2001-09-09T01:46:40Z", "ends"],
  ["decide 1.1.1.1 DE GET / 999999999999", DENIED],
  ["decide 1.1.1.1 DE GET / 1000000000000", PASSED],
];

const instants: Case[] = [
  ["instant 1970-01-01T00:00:00Z", "0"],
  ["instant 2000-02-29T23:59:59.999Z", "951868799999"],
  ["instant 2100-03-01T00:00:00Z", "4107542400000"],
  ["instant 9999-12-31T23:59:59Z", "253402300799000"],
  ...["2100-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-04-31T00:00:00Z"].map(
    refused,
  ),
  ...["2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "1969-12-31T23:59:59Z"].map(
    refused,
  ),
  ...[
    "2026-01-01T00:00:00",
    "2026-01-01t00:00:00Z",
    "2026-01-01T00:00:00.1Z",
    "2026-01-01T00:00:00+00:00",
  ].map(refused),
  ...["2026-01-0xT00:00:00Z", "+026-01-01T00:00:00Z", "2026-01-01T00:00:00,000Z", "tomorrow", ""].map(
    refused,
  ),
];

function refused(text: string): Case {
  return [`instant ${text}`, "refused"];
}

assertCases("continents, by their countries", continents);
assertCases("a rule's own blocks, whichever family", blocks);
assertCases("hosts, and all below a name", hosts);
assertCases("what may not hold", negations);
assertCases("a rule is void from its end on", ends);
assertCases("instants in UTC, and what is none", instants);
assertCases("allow list, deny list, rules, default", order);
assertCases("all conditions of a rule must hold", conditions);
assertCases("a rule for GET covers HEAD", heads);
assertCases("a denial's status is its rule's", statuses);
assertCases("observed rules count and never decide", observing);
assertCases("list entries lapse", lapsing);
