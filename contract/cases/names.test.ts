import { inEveryRuntime } from "./in-every-runtime.ts";

const { cases: assertCases } = inEveryRuntime();

assertCases("product pages are joined as text", [
  ['page {"id":1,"name":"Tea"} {"available":3}', '{"id":1,"name":"Tea","stock":{"available":3}}'],
  ['page {"id":2,"name":"茶"} {"available":0}', '{"id":2,"name":"茶","stock":{"available":0}}'],
]);

assertCases("key names", [
  ["product-key t: 12", "t:product:12"],
  ["product-key  12", "product:12"],
  ["session-key t: 0198-a", "t:session:0198-a"],
  ["page-key t: 7-1 limit=20", "t:page:7-1:limit=20"],
  ["policy-key t:", "t:access:policy"],
  ["access-entries-key t:", "t:access:entries"],
  ["changes-key t:", "t:changes"],
  ["ready-key t:", "t:ready"],
  ["checkpoint-key t:", "t:relay:checkpoint"],
  ["problem-type access.denied", "/errors#access.denied"],
]);
