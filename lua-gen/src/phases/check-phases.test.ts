import assert from "node:assert/strict";
import { after, test } from "node:test";
import { check } from "../build.ts";
import { createProject } from "../testing/project.ts";

/** Each line that ends in `// LG009 <phases>`, or in another code, must give just that, and all others nothing. */
const sources: Readonly<Record<string, string>> = {
  "log.ts": `
    import { flush } from "./store/flush.ts";

    /** @phase log */
    export function log(): void {
      flush("direct");
      ngx.say("too late"); // LG009 log
      ngx.timer.at(0, () => flush("in a timer"));
    }
  `,
  "store/flush.ts": `
    import * as redis from "resty.redis";

    export function flush(what: string): void {
      const send = (): void => {
        const [client] = redis.new(); // LG009 log
        if (client !== undefined) client.set("last", what); // LG009 log
      };
      send();
    }
  `,
  "balancer.ts": `
    import * as balancer from "ngx.balancer";

    /** @phase balancer */
    export const pick = (): void => {
      pcall(() => ngx.sleep(1)); // LG009 balancer
      balancer.set_current_peer("127.0.0.1", 80);
    };
  `,
  "values.ts": `
    interface Policy { apply(): void; later(): void }

    const policies: Policy[] = [];
    const strict: Policy = {
      apply: () => { ngx.exit(403); }, // LG009 log
      later() { ngx.sleep(1); },
    };
    const callbacks: ((this: void) => void)[] = [];
    callbacks.push(() => { ngx.req.read_body(); }); // LG009 log
    policies.push(strict);

    const byName = new LuaTable<string, (this: void) => void>();
    byName.set("x", () => { ngx.req.discard_body(); }); // LG009 log
    function pair(): LuaMultiReturn<[(this: void) => void, undefined]> {
      return $multi(() => { ngx.eof(); }, undefined); // LG009 log
    }
    function twice(run: (this: void) => void): void { run(); run(); }
    function defer(run: (this: void) => void): void { ngx.timer.at(0, () => run()); }
    function choose(hard: boolean): (this: void) => void {
      return hard ? () => { ngx.flush(); } : () => {}; // LG009 log
    }

    /** @phase log */
    export function log(): void {
      for (const policy of policies) policy.apply();
      for (const callback of callbacks) callback();
      twice(() => { ngx.sleep(1); }); // LG009 log
      twice(() => { ngx.update_time(); });
      defer(() => { ngx.sleep(1); });
      defer(() => { ngx.req.get_method(); }); // LG009 timer
      defer(() => { ngx.exit(0); }); // LG009 timer
      choose(true)();
      byName.get("x")();
      const [first] = pair();
      first();
      const tcp = ngx.socket.tcp;
      tcp(); // LG009 log
      ngx.ctx.seen = true;
    }
  `,
  "state.ts": `
    /** @phase header_filter timer */
    export function both(): void {
      ngx.status = 200; // LG009 timer
      // lua-gen-allow LG009: says so on purpose
      ngx.sleep(1);
    }
    declare global { namespace ngx { interface Context { seen?: boolean } } }
  `,
  "handshake.ts": `
    /** @phase ssl_certificate */
    export function certificate(): void {
      ngx.ctx.seen = ngx.var.host !== ""; // LG009 ssl_certificate
      ngx.sleep(0.1);
    }
    /** @phase init exit_worker */
    export function end(): void {
      ngx.log(ngx.INFO, ngx.encode_args({})); // LG009 init, exit_worker
      ngx.ctx.seen = true; // LG009 init
    }
    /** @phase server_rewrite precontent proxy_ssl_verify */
    export function newer(): void {
      ngx.socket.tcp();
      ngx.req.read_body(); // LG009 proxy_ssl_verify
      ngx.location.capture("/"); // LG009 server_rewrite, precontent, proxy_ssl_verify
    }
    /** @phase log header_filter */
    export function resumed(): void {
      coroutine.wrap(() => {}); // LG009 log
    }
  `,
  "asks.ts": `
    function release(): void {
      const phase = ngx.get_phase();
      if (phase !== "timer" && phase !== "access") return;
      ngx.sleep(1);
    }
    /** @phase log timer ssl_certificate access */
    export function asks(): void {
      release();
      if (ngx.get_phase() === "timer") ngx.sleep(1);
      else ngx.sleep(2); // LG009 log
      const host = ngx.get_phase() === "access" ? ngx.req.get_method() : "";
      if (!("ssl_cert" !== ngx.get_phase()) || host === "x") {
        ngx.sleep(3); // LG009 log
      }
      if (ngx.get_phase() === "log") {
        ngx.log(ngx.INFO, ngx.var.host);
        return;
      }
      ngx.sleep(4);
    }
  `,
  "top.ts": `
    import { value } from "./loaded.ts";
    /** @phase init */
    export function init(): void { ngx.log(ngx.INFO, value); }
  `,
  "loaded.ts": `
    export const value = ngx.worker.id(); // LG009 init
  `,
  "configured.ts": `
    let prefix = "";
    let requests = 0; // LG014
    let unreached = 0; // LG014
    function configure(): void { prefix = "x"; }
    /** @phase init_worker */
    export function start(): void { configure(); }
    /** @phase log */
    export function log(): void { requests += 1; }
    export function nobody(): string { unreached = requests; return prefix + unreached; }
  `,
  "tags.ts": `
    /** @phase access contnet */
    export function typo(): void {} // LG016
    /** @phase */
    export function empty(): void {} // LG016
    /** @phase access */
    export const notFunction = 1; // LG016
  `,
};

const project = createProject(sources);
after(project.remove);
const { faults } = check({ project: project.dir });

for (const [name, source] of Object.entries(sources)) {
  test(`phases: ${name}`, () => {
    const found = faults
      .filter(({ file }) => file === project.path(name))
      .map(({ line, code, message }) => {
        const phases = /may not run in ([^;]*);/.exec(message)?.[1];
        return `${line} ${code}${phases === undefined ? "" : ` ${phases}`}`;
      });
    const wanted = source.split("\n").flatMap((line, index) => {
      const mark = /\/\/ (LG0.*)$/.exec(line)?.[1];
      return mark === undefined ? [] : [`${index + 1} ${mark}`];
    });
    assert.deepEqual(found, wanted);
  });
}

test("the message shows who calls whom, with places, and the way out", () => {
  const fault = faults.find(({ message }) => message.startsWith("resty.redis.new"));
  const shown = fault?.message.replaceAll(/\(\S*src\//g, "(src/");
  assert.equal(
    shown,
    `resty.redis.new may not run in log; it may in server_rewrite, rewrite, access, precontent, content, timer, ssl, proxy_ssl. Hand the work to ngx.timer.at(0, …), where it may run.
  log: log (src/log.ts:5:5)
  → flush (src/log.ts:6:7)
  → send (src/store/flush.ts:9:7)
  → resty.redis.new`,
  );
});

test("a word that is no phase is named, with those that are", () => {
  const messages = faults.filter(({ code }) => code === "LG016").map(({ message }) => message);
  assert.match(
    messages[0] ?? "",
    /^There is no phase "contnet"\. There are: init, init_worker, .*, timer\.$/,
  );
  assert.match(messages[1] ?? "", /^@phase names no phase\. There are: init, /);
});

test("each phase that misuses one call shows its own way there", () => {
  const fault = faults.find(({ message }) => message.startsWith("ngx.location.capture"));
  assert.deepEqual(fault?.message.match(/^ {2}\w+: newer/gm)?.toSorted(), [
    "  precontent: newer",
    "  proxy_ssl_verify: newer",
    "  server_rewrite: newer",
  ]);
});
