/**
 * The layers as data. The first rule whose `files` match an importing file decides: each import that stays in
 * the repository must match one of `may`. A file that no rule names is an error, so that a new place is
 * thought about. What a rule leaves open about packages is open.
 */
export interface LayerRule {
  readonly files: string;
  readonly may: readonly string[];
  /** Imports of packages and built-in modules; anything unless given. */
  readonly packages?: "none";
  /** Shown with every finding. */
  readonly reason: string;
}

const CONTRACT = "contract/src/**";
const KERNEL = "origin/src/kernel/**";
const PLATFORM = "origin/src/platform/**";
const CONTEXT = "origin/src/contexts/{context}";
const ERRORS = `${CONTEXT}/errors.ts`;
const OTHERS = "origin/src/contexts/*/public.ts";

export const layerRules: readonly LayerRule[] = [
  {
    files: "contract/src/**",
    may: [CONTRACT],
    packages: "none",
    reason: "the contract imports nothing of ours and no package: it runs in Node and in LuaJIT",
  },
  {
    files: "contract/**",
    may: ["contract/**", "lua-gen/src/**"],
    reason: "the contract's cases know the contract and the compiler that makes Lua of it",
  },
  {
    files: "lua-gen/**",
    may: ["lua-gen/**"],
    reason: "lua-gen is a package of its own, useful without Sluice",
  },
  {
    files: "edge/**",
    may: ["edge/**", CONTRACT, "lua-gen/**"],
    reason: "edge and origin never import each other; what both must know stands in contract/",
  },
  {
    files: "web/**",
    may: ["web/**", CONTRACT],
    reason: "pages run in browsers and reach the system by HTTP only",
  },
  {
    files: "origin/src/kernel/**",
    may: [KERNEL],
    reason: "the kernel imports nothing of ours: everything else stands on it",
  },
  {
    files: "origin/src/platform/**",
    may: [PLATFORM, KERNEL, CONTRACT],
    reason: "the platform serves every context and knows none",
  },
  {
    files: "origin/src/relay/module.ts",
    may: ["origin/src/relay/**", PLATFORM, KERNEL, CONTRACT, OTHERS, "origin/src/config.ts"],
    reason: "the relay is wired from its own parts and what contexts publish",
  },
  {
    files: "origin/src/relay/**",
    may: ["origin/src/relay/**", PLATFORM, KERNEL, CONTRACT, OTHERS],
    reason: "the relay carries what contexts publish and knows nothing of their insides",
  },
  {
    files: `${CONTEXT}/domain/**`,
    may: [`${CONTEXT}/domain/**`, ERRORS, KERNEL, CONTRACT],
    reason: "the domain knows its own domain and the kernel: rules must hold without a database",
  },
  {
    files: `${CONTEXT}/application/**`,
    may: [`${CONTEXT}/application/**`, `${CONTEXT}/domain/**`, ERRORS, KERNEL, CONTRACT, OTHERS],
    reason: "use cases know their own domain and declare ports for everything else",
  },
  {
    files: `${CONTEXT}/infrastructure/**`,
    may: [
      `${CONTEXT}/infrastructure/**`,
      `${CONTEXT}/application/**`,
      `${CONTEXT}/domain/**`,
      ERRORS,
      PLATFORM,
      KERNEL,
      CONTRACT,
      OTHERS,
    ],
    reason: "adapters implement their own application's ports on the platform",
  },
  {
    files: `${CONTEXT}/interface/**`,
    may: [
      `${CONTEXT}/interface/**`,
      `${CONTEXT}/application/**`,
      ERRORS,
      "origin/src/platform/http/**",
      KERNEL,
      CONTRACT,
    ],
    reason: "the interface speaks to its own application; domain and infrastructure are behind it",
  },
  {
    files: `${CONTEXT}/public.ts`,
    may: [`${CONTEXT}/application/**`, `${CONTEXT}/domain/**`, ERRORS, KERNEL, CONTRACT],
    reason: "public.ts is all that other contexts may import: it offers use cases and types, no wiring",
  },
  {
    files: `${CONTEXT}/module.ts`,
    may: [`${CONTEXT}/**`, PLATFORM, KERNEL, CONTRACT, OTHERS, "origin/src/config.ts"],
    reason: "a context is wired from its own parts and the public.ts of others",
  },
  {
    files: `${CONTEXT}/**`,
    may: [`${CONTEXT}/**`, KERNEL, CONTRACT],
    reason: "a context's files stand in domain, application, infrastructure or interface",
  },
  {
    files: "origin/src/compose.ts",
    may: [
      "origin/src/*",
      PLATFORM,
      KERNEL,
      CONTRACT,
      "origin/src/relay/**",
      "origin/src/contexts/*/module.ts",
      OTHERS,
    ],
    reason: "compose.ts puts modules together; their insides are the modules' business",
  },
  {
    files: "origin/src/**",
    may: ["origin/src/*", "origin/src/roles/**", PLATFORM, KERNEL, CONTRACT, "origin/src/relay/**", OTHERS],
    reason: "only compose.ts imports module.ts, and only module.ts imports infrastructure",
  },
  {
    files: "origin/**",
    may: ["origin/**", CONTRACT],
    reason: "edge and origin never import each other; what both must know stands in contract/",
  },
  {
    files: "cli/**",
    may: ["cli/**", CONTRACT, "lua-gen/**"],
    reason: "the command line starts edge and origin as processes and speaks HTTP to them",
  },
  {
    files: "test/coherence/**",
    may: ["test/**", "cli/**", CONTRACT, "edge/test/**", "origin/test/**", "origin/src/relay/status.ts"],
    reason: "the way from a commit to its readers is put up of what the tests of edge and origin put up",
  },
  {
    files: "test/journeys/**",
    may: ["test/**", "cli/**", CONTRACT, "contract/cases/**", "origin/test/**"],
    reason: "journeys look at the system from outside, with what the tests of contract and origin use for it",
  },
  {
    files: "test/**",
    may: ["test/**", "cli/**", CONTRACT],
    reason: "whole-system tests look at the system from outside",
  },
  {
    files: "bench/**",
    may: ["bench/**", "cli/**", CONTRACT, "lua-gen/**"],
    reason: "benchmarks look at the system from outside; of its parts they may use the tool, lua-gen",
  },
];

/**
 * Tests may reach into everything that they prove and into the private services that they run on; what they
 * may not do is tie edge and origin together.
 */
export const testRules: readonly LayerRule[] = [
  {
    files: "origin/**",
    may: ["origin/**", "contract/**", "cli/**"],
    reason: "edge and origin never import each other, not in tests either",
  },
  {
    files: "edge/**",
    may: ["edge/**", "contract/**", "cli/**", "lua-gen/**"],
    reason: "edge and origin never import each other, not in tests either",
  },
  { files: "{workspace}/**", may: ["**"], reason: "" },
];
