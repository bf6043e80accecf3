/**
 * The reference of catching up: zongji alone decodes the rows of one table, and nobody does anything with them. A
 * process of its own, as the relay is. Prints `{ms, cpuUs}` from the first row to the last.
 *
 *     node bench/src/relay/bare-zongji.ts <mysql url> <GTID position> <table> <rows>
 */
import ZongJi from "@vlasky/zongji";
import { cpuTimeUs } from "../proxies/processor.ts";

const [url = "", position = "", table = "", expected = "0"] = process.argv.slice(2);
const { pathname } = new URL(url);
const zongji = new ZongJi({
  uri: url,
  charset: "utf8mb4",
  dateStrings: true,
  supportBigNumbers: true,
  bigNumberStrings: true,
} as never);
let rows = 0;
let started: { readonly ms: number; readonly cpuUs: number } | undefined;

zongji.on("error", (error: Error) => {
  console.error(error);
  process.exit(1);
});
zongji.on("binlog", (event) => {
  if (!("rows" in event)) return;
  started ??= { ms: performance.now(), cpuUs: cpuTimeUs(process.pid) };
  rows += event.rows.length;
  if (rows < Number(expected)) return;
  console.log(
    JSON.stringify({ ms: performance.now() - started.ms, cpuUs: cpuTimeUs(process.pid) - started.cpuUs }),
  );
  process.exit(0);
});
zongji.start({
  serverId: 2 ** 31 + process.pid,
  gtidSet: position,
  includeEvents: ["tablemap", "writerows", "updaterows"],
  includeSchema: { [pathname.slice(1)]: [table] },
});
