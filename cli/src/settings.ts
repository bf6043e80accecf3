/**
 * What the command line takes from the environment, with its defaults: the only place of this package that
 * reads it. `up` gives the processes that it starts their own, derived environment (see system/environment.ts).
 */

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PORTS = {
  edge: ["EDGE_PORT", 8080],
  ops: ["OPS_PORT", 8081],
  api: ["API_PORT", 8082],
  payments: ["PAYMENTS_PORT", 8083],
  mysql: ["MYSQL_PORT", 8306],
  redis: ["REDIS_PORT", 8379],
  rabbitmq: ["RABBITMQ_PORT", 8672],
  rabbitmqDist: ["RABBITMQ_DIST_PORT", 8673],
  rabbitmqEpmd: ["RABBITMQ_EPMD_PORT", 8674],
} as const;

/** Where the other parts reach a part, when something of yours stands in between and passes on. */
const VIA_PORTS = {
  api: "API_VIA_PORT",
  mysql: "MYSQL_VIA_PORT",
  redis: "REDIS_VIA_PORT",
  rabbitmq: "RABBITMQ_VIA_PORT",
} as const;

const FREE_COUNTRY_DATA = "@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb";

export type PortName = keyof typeof PORTS;
export type Ports = Record<PortName, number>;

export type ViaPorts = Partial<Record<keyof typeof VIA_PORTS, number>>;

export interface Settings {
  checkout: string;
  homeRoot: string;
  ports: Ports;
  viaPorts: ViaPorts;
  /** A MaxMind-format file; country data of a free licence, from npm, unless one is named. */
  geoipCountryDb: string;
  /** Likewise, of networks; empty for none. */
  geoipAsnDb: string;
  /** The operators' listener of another system than the private one, with the token for it. */
  remote: { opsUrl: string; opsTokenFile: string } | undefined;
}

export const checkout = resolve(fileURLToPath(new URL("../..", import.meta.url)));

export function portVariable(name: PortName): string {
  return PORTS[name][0];
}

export function viaPortVariable(name: keyof ViaPorts): string {
  return VIA_PORTS[name];
}

/** Reports every fault at once. */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const faults: string[] = [];
  const ports = {} as Ports;
  for (const [name, [variable, preset]] of Object.entries(PORTS)) {
    ports[name as PortName] = portIn(env, variable, faults) ?? preset;
  }
  const viaPorts: ViaPorts = {};
  for (const [name, variable] of Object.entries(VIA_PORTS)) {
    const port = portIn(env, variable, faults);
    if (port !== undefined) viaPorts[name as keyof ViaPorts] = port;
  }
  faults.push(...sharedPorts(ports));
  const remote = remoteOperators(env, faults);
  if (faults.length > 0) throw new Error(faults.join("\n"));
  return {
    checkout,
    homeRoot: resolve(env.SLUICE_HOME || join(checkout, ".sluice")),
    ports,
    viaPorts,
    geoipCountryDb: env.GEOIP_COUNTRY_DB || join(checkout, "node_modules", FREE_COUNTRY_DATA),
    geoipAsnDb: env.GEOIP_ASN_DB ?? "",
    remote,
  };
}

function portIn(env: NodeJS.ProcessEnv, variable: string, faults: string[]): number | undefined {
  const text = env[variable];
  if (text === undefined || text === "") return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    faults.push(`${variable} is not a port: "${text}"`);
  return port;
}

function remoteOperators(env: NodeJS.ProcessEnv, faults: string[]): Settings["remote"] {
  const { SLUICE_OPS_URL: opsUrl, OPS_TOKEN_FILE: opsTokenFile } = env;
  if (!opsUrl) return undefined;
  if (!URL.canParse(opsUrl)) faults.push(`SLUICE_OPS_URL is not a URL: "${opsUrl}"`);
  if (!opsTokenFile) faults.push("SLUICE_OPS_URL needs OPS_TOKEN_FILE beside it");
  return { opsUrl, opsTokenFile: opsTokenFile ?? "" };
}

function sharedPorts(ports: Ports): string[] {
  const seen = new Map<number, PortName>();
  const faults: string[] = [];
  for (const [name, port] of Object.entries(ports) as [PortName, number][]) {
    const other = seen.get(port);
    if (other) faults.push(`${portVariable(other)} and ${portVariable(name)} are both ${port}`);
    seen.set(port, name);
  }
  return faults;
}
