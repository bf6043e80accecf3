/** What is printed when everything runs. The commands work as printed, pasted into any POSIX shell. */
import { relative } from "node:path";
import type { Home } from "../process/home.ts";
import { LOOPBACK } from "../process/ports.ts";
import type { Ports, Settings } from "../settings.ts";
import { makeSecrets } from "./secrets.ts";

export function addresses(ports: Ports): string {
  return [
    `  edge       http://${LOOPBACK}:${ports.edge}        what browsers and clients use`,
    `  operators  http://${LOOPBACK}:${ports.ops}        policy, lists, products; needs the operators' token`,
    `  API docs   http://${LOOPBACK}:${ports.edge}/openapi.json`,
  ].join("\n");
}

export function welcome(settings: Settings, home: Home, secondsTaken: number): string {
  const { opsTokenFile, demoPassword } = makeSecrets(home);
  const [edge, ops] = [settings.ports.edge, settings.ports.ops].map((port) => `http://${LOOPBACK}:${port}`);
  const logs = relative(process.cwd(), home.logs) || ".";
  const json = "-H 'content-type: application/json'";
  return `
Sluice runs (${secondsTaken.toFixed(1)} s).

${addresses(settings.ports)}
  users      demo and alice, password ${demoPassword}
  operators' token in ${opsTokenFile}
  logs in    ${logs}

Try it, line by line:

  # 1. browse, and ask the edge where it had the page from
  curl -s '${edge}/products?limit=3'; echo; curl -si ${edge}/products/1 | grep -i x-sluice-cache

  # 2. log in
  TOKEN=$(curl -s ${json} -d '{"username":"demo","password":"${demoPassword}"}' ${edge}/auth/login | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/')

  # 3. place an order
  ORDER=$(curl -s ${json} -H "authorization: Bearer $TOKEN" -H "idempotency-key: $(date +%s)-$$" -d '{"lines":[{"productId":1,"quantity":1}]}' ${edge}/orders | sed 's/.*"id":"\\([0-9a-f-]*\\)".*/\\1/'); echo "order $ORDER"

  # 4. pay it, and see your orders
  curl -s -X POST -H "authorization: Bearer $TOKEN" ${edge}/orders/$ORDER/pay; echo; curl -s -H "authorization: Bearer $TOKEN" ${edge}/orders

  # 5. be an operator: what would the edge say to this address?
  curl -s ${json} -H "authorization: Bearer $(cat ${quote(opsTokenFile)})" -d '{"ip":"203.0.113.9","method":"GET","path":"/products"}' ${ops}/policy/explain
`;
}

function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
