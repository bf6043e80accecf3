import assert from "node:assert/strict";
import { test } from "node:test";
import type { Check } from "../check.ts";
import { writeTree } from "../written-tree.ts";
import { commandsParse } from "./commands.ts";
import { errorCodesAreDocumented } from "./error-codes.ts";
import { limitsAgree } from "./limits.ts";
import { linksLeadSomewhere } from "./links.ts";
import { settingsAreDocumented } from "./settings.ts";

const CATALOGUE = `export const errors = defineErrors({
  soldOut: { code: "order.sold_out", status: 409, title: "Sold out" },
  denied: ACCESS_DENIED,
});
`;
const CONTRACT = `export const ACCESS_DENIED = { code: "access.denied", status: 403, title: "No" };\n`;
const CONFIG = `const port = (fallback: number) => Type.Integer({ minimum: 0, default: fallback });
const listeners = { apiHost: host, apiPort: port(8082) };
const schemas = {
  api: Type.Object({ ...listeners, opsTokenFile: file("the token") }),
  relay: Type.Object({ ...listeners }),
};
`;
const SETTINGS =
  "| setting | meaning |\n|---|---|\n| `API_HOST` | |\n| `API_PORT` | |\n| `OPS_TOKEN_FILE` | |\n";

interface Row {
  name: string;
  check: Check;
  files: Record<string, string>;
  findings: RegExp[];
}

const errorPage = (rows: string) => `# Errors\n\n| code | status | meaning |\n|---|---|---|\n${rows}`;
const catalogues = { "origin/src/x/errors.ts": CATALOGUE, "contract/src/error-codes.ts": CONTRACT };

const limitsPage = (rows: string) => `# Limits\n\n| limit | value | where |\n|---|---|---|\n${rows}`;
const limitSources = {
  "origin/src/x.ts": "export const x = { ttlMs: 24 * 3_600_000 } as const;\n",
  "edge/y.ts": "const BYTES_MAX = 2 ** 16;\n",
  "origin/src/config.ts": "const tries = { apiTriesMax: Type.Integer({ minimum: 1, default: 5 }) };\n",
};

const typed = (lines: string) => `# How\n\n\`\`\`\n${lines}\`\`\`\n`;

const rows: Row[] = [
  {
    name: "commands that the command line takes",
    check: commandsParse,
    files: {
      "docs/how.md": typed(
        'npx sluice ban 203.0.113.0/24 --reason "two words" --for 2h\nnpx sluice status --json | jq .   # all\n',
      ),
    },
    findings: [],
  },
  {
    name: "commands with an unknown option, too many words, or a missing one",
    check: commandsParse,
    files: {
      "docs/how.md": typed("npx sluice status --yaml\nnpx sluice unban 1.2.3.4 5.6.7.8\nnpx sluice unban\n"),
    },
    findings: [
      /docs\/how.md:4 .* unknown option/,
      /docs\/how.md:5 .* too many arguments/,
      /docs\/how.md:6 .* missing required argument/,
    ],
  },
  {
    name: "errors that agree",
    check: errorCodesAreDocumented,
    files: {
      ...catalogues,
      "docs/errors.md": errorPage("| `access.denied` | 403 | |\n| `order.sold_out` | 409 | |\n"),
    },
    findings: [],
  },
  {
    name: "an error that the page lacks",
    check: errorCodesAreDocumented,
    files: { ...catalogues, "docs/errors.md": errorPage("| `access.denied` | 403 | |\n") },
    findings: [/origin\/src\/x\/errors.ts:2 `order.sold_out` \(409\) is not listed/],
  },
  {
    name: "an error that only the page has",
    check: errorCodesAreDocumented,
    files: {
      ...catalogues,
      "docs/errors.md": errorPage(
        "| `access.denied` | 403 | |\n| `order.sold_out` | 409 | |\n| `old` | 400 | |\n",
      ),
    },
    findings: [/docs\/errors.md:7 lists `old`, which no catalogue has/],
  },
  {
    name: "an error with another status on the page",
    check: errorCodesAreDocumented,
    files: {
      ...catalogues,
      "docs/errors.md": errorPage("| `access.denied` | 451 | |\n| `order.sold_out` | 409 | |\n"),
    },
    findings: [/docs\/errors.md:5 says 451 .* says 403/],
  },
  {
    name: "an error that is defined twice",
    check: errorCodesAreDocumented,
    files: {
      ...catalogues,
      "origin/src/y/errors.ts": CATALOGUE,
      "docs/errors.md": errorPage("| `access.denied` | 403 | |\n| `order.sold_out` | 409 | |\n"),
    },
    findings: [/origin\/src\/y\/errors.ts:2 defines `order.sold_out` again/],
  },
  {
    name: "errors without a page",
    check: errorCodesAreDocumented,
    files: catalogues,
    findings: [/docs\/errors.md is missing; the code has 2 errors/],
  },
  {
    name: "settings that agree",
    check: settingsAreDocumented,
    files: { "origin/src/config.ts": CONFIG, "docs/operations.md": SETTINGS },
    findings: [],
  },
  {
    name: "settings that the page lacks, of every process",
    check: settingsAreDocumented,
    files: {
      "origin/src/config.ts": CONFIG.replace("apiHost", "apiHost: host, apiNew"),
      "edge/config.ts": 'export const port = env.EDGE_PORT ?? fault("EDGE_PORT");\n',
      "cli/src/settings.ts": "export const { SLUICE_HOME: home } = env;\n",
      "docs/operations.md": SETTINGS,
    },
    findings: [
      /config.ts:2 reads API_NEW/,
      /settings.ts:1 reads SLUICE_HOME/,
      /edge\/config.ts:1 reads EDGE_PORT/,
    ],
  },
  {
    name: "a setting that nothing reads",
    check: settingsAreDocumented,
    files: { "origin/src/config.ts": CONFIG, "docs/operations.md": `${SETTINGS}| \`API_OLD\` | |\n` },
    findings: [/docs\/operations.md:6 lists API_OLD, which nothing reads/],
  },
  {
    name: "a setting of the launcher",
    check: settingsAreDocumented,
    files: {
      "origin/src/config.ts": CONFIG,
      "cli/src/settings.ts": "export const home = env.SLUICE_HOME;\n",
      "docs/operations.md": `${SETTINGS}| \`SLUICE_HOME\` | |\n`,
    },
    findings: [],
  },
  {
    name: "limits that agree",
    check: limitsAgree,
    files: {
      ...limitSources,
      "docs/limits.md": limitsPage("| a | 24 h; 64 KiB; 5 | `x.ttlMs`; `BYTES_MAX`; `API_TRIES_MAX` |\n"),
    },
    findings: [],
  },
  {
    name: "limits that are told otherwise, of nothing, twice defined, or nowhere",
    check: limitsAgree,
    files: {
      ...limitSources,
      "edge/twice.ts": "const BYTES_MAX = 1;\n",
      "docs/limits.md": limitsPage(
        "| a | 23 h | `x.ttlMs` |\n| b | 1 | `x.gone` |\n| c | 1 | `BYTES_MAX` |\n| d | 1; 2 | `x.ttlMs` |\n| e | 7 | nowhere |\n",
      ),
    },
    findings: [
      /docs\/limits.md:5 says 23 h, and `x.ttlMs` is 86400000/,
      /docs\/limits.md:6 names `x.gone`, which no source defines/,
      /docs\/limits.md:7 names `BYTES_MAX`, which more than one source defines/,
      /docs\/limits.md:8 has 2 values and 1 places/,
      /docs\/limits.md:9 does not name where `7` stands/,
    ],
  },
  {
    name: "a link to a page that is gone",
    check: linksLeadSomewhere,
    files: {
      "README.md": "[a](docs/a.md#part) [b](docs/b.md) [c](https://example.com) [d](docs/) [e](#e)\n",
      "docs/a.md": "[up](../README.md)\n",
    },
    findings: [/README.md:1 links to docs\/b.md/],
  },
];

for (const { name, check, files, findings: expected } of rows) {
  test(`${name}: ${expected.length === 0 ? "no finding" : "reported"}`, async () => {
    using tree = writeTree(files);
    const findings = (await check.run(tree)).map(({ place, message }) => `${place} ${message}`);
    assert.equal(findings.length, expected.length, findings.join("\n"));
    for (const [index, pattern] of expected.entries()) assert.match(findings[index] as string, pattern);
  });
}
