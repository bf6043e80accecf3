import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { allowedPhases } from "./phases/tags.ts";
import { startNginx } from "./testing/nginx.ts";

/** What nginx has and the declarations leave out, with the reason. */
const undeclared: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/\.(_VERSION|_NAME|version)$/, "says nothing that a program should act on"],
  [/^ngx\.(_phase_ctx|get_raw_phase)$/, "the inside of lua-resty-core"],
  [/^ffi\.typeinfo$/, "undocumented in LuaJIT"],
  [/^ngx\.pipe: pipe API is not supported/, "needs OpenResty's nginx; its declaration says so"],
  [
    /^ngx\.(proxyssl|ssl\.proxysslcert|ssl\.proxysslverify): module '[\w.]+' not found/,
    "came after 0.1.25 of lua-resty-core",
  ],
  [/^lua-gen\.traceback\.run$/, "for the nginx.conf that lua-gen prints"],
  [/^resty\.websocket\.protocol\.new_tab$/, "the library's way to table.new"],
  [/^resty\.redis\.add_commands$/, "does nothing any more: commands come into being when they are called"],
];

/** What is declared and a plain nginx from a distribution lacks, with the reason. */
const absent: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^ngx\.decode_base64mime$/, "came with 0.10.24 of the module"],
  [/^ngx\.balancer\.enable_keepalive$/, "needs OpenResty's patch of nginx; its type says so"],
  [/^ngx\.pipe\./, "needs OpenResty's nginx; its declaration says so"],
  [/^ngx\.socket\.Udp\.bind$/, "came after 0.10.23 of the module"],
  [/^ngx\.socket\.Tcp\.(settrustedstore|getfd|getsslpointer|getsslctx|getsslsession)$/, "came with 0.10.29"],
  [/^ngx\.balancer\.(bind_to_local_addr|set_upstream_tls)$/, "came after 0.1.25 of lua-resty-core"],
  [/^ngx\.resp\.(set_status|bypass_if_checks)$/, "likewise"],
  [/^ngx\.ssl\.(parse_der_\w+|export_keying_material\w*|get_(client|server)_random)$/, "likewise"],
  [/^ngx\.ssl\.(get_session_master_key|get_\w+_ssl_pointer|ssl_session_reused)$/, "likewise"],
  [/^ngx\.ssl\.get_req_shared_ssl_ciphers$/, "likewise"],
  [/^ngx\.ssl\.clienthello\.get_client_hello_(ciphers|ext_present)$/, "likewise"],
  [/^ngx\.(proxyssl|ssl\.proxysslcert|ssl\.proxysslverify)\./, "likewise, with the phases that they are for"],
];

/** Lua expressions for objects, and the interfaces that declare them. */
const instances = [
  ["ngx.socket.tcp()", "ngx.socket.Tcp"],
  ["ngx.socket.udp()", "ngx.socket.Udp"],
  ["ngx.shared.zone", "ngx.shared.Dict"],
] as const;

/** Modules whose objects have an interface that another module declares. */
const sharing = [
  ["resty.sha1", "resty.sha256"],
  ["resty.sha512", "resty.sha256"],
  ["resty.md5", "resty.sha256"],
  ["resty.lrucache.pureffi", "resty.lrucache"],
  ["resty.websocket.server", "resty.websocket.protocol"],
  ["resty.websocket.client", "resty.websocket.protocol"],
] as const;

const typesFile = fileURLToPath(new URL("../types/index.d.ts", import.meta.url));
const program = ts.createProgram([typesFile], { target: ts.ScriptTarget.ESNext, types: [] });
const checker = program.getTypeChecker();
const declared = declaredNames();

test("nginx has what is declared, and nothing else without a reason", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "lua-gen-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const nginx = await startNginx({
    dir,
    luaDir: dir,
    http: { sharedDicts: { zone: 65_536 } },
    locations: [{ match: { exact: "/" }, handler: { content: { code: walkInNginx() } } }],
  });
  let live: string[];
  try {
    live = (await (await fetch(nginx.url)).text()).trim().split("\n");
  } finally {
    await nginx.close();
  }
  const fits = (name: string, list: typeof absent) => list.some(([pattern]) => pattern.test(name));
  const isMethod = (name: string) => declared.methods.has(name);
  assert.deepEqual(
    live.filter((name) => !declared.values.has(name) && !isMethod(name) && !fits(name, undeclared)),
    [],
    "undeclared",
  );
  assert.deepEqual(
    [...declared.values].filter((name) => !live.includes(name) && !fits(name, absent)),
    [],
    "absent",
  );
});

test("every function of nginx and its libraries says in which phases it may run", () => {
  const silent: string[] = [];
  const visit = (node: ts.Node): void => {
    const isFunction = ts.isFunctionDeclaration(node) || ts.isMethodSignature(node);
    if (isFunction && allowedPhases(node, checker) === undefined) {
      silent.push(`${relative(typesFile, node.getSourceFile().fileName)} ${node.name?.getText()}`);
    }
    ts.forEachChild(node, visit);
  };
  // What is Lua's own runs everywhere.
  for (const file of program.getSourceFiles()) if (/\/types\/(ngx|resty)/.test(file.fileName)) visit(file);
  assert.deepEqual(silent, []);
});

/**
 * Values by their path: `ngx.req.get_method`, `ngx.base64.encode_base64url`. Methods stand beside the functions of
 * their module, because in Lua the module's table is the objects' class.
 */
function declaredNames(): { values: Set<string>; methods: Set<string> } {
  const values = new Set<string>();
  const methods = new Set<string>();
  const walk = (symbol: ts.Symbol, path: string): void => {
    for (const [key, exported] of symbol.exports ?? []) {
      const member = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const name = `${path}.${String(key)}`;
      if (member.flags & ts.SymbolFlags.Interface) addMethods(member, path, name);
      if (member.flags & ts.SymbolFlags.Namespace) walk(member, name);
      if (member.flags & ts.SymbolFlags.Value && !(member.flags & ts.SymbolFlags.ValueModule))
        values.add(name);
    }
  };
  const addMethods = (symbol: ts.Symbol, path: string, name: string): void => {
    const isInstance = instances.some(([, type]) => type === name);
    for (const key of symbol.members?.keys() ?? []) {
      if (isInstance) values.add(`${name}.${String(key)}`);
      else methods.add(`${path}.${String(key)}`);
    }
  };
  for (const root of ["ngx", "ndk"]) {
    const symbol = checker.resolveName(root, undefined, ts.SymbolFlags.Namespace, false);
    if (symbol !== undefined) walk(symbol, root);
  }
  for (const module of modules()) walk(module.symbol, module.name);
  for (const [name, declaring] of sharing) {
    const inherited = [...methods].filter((method) => method.startsWith(`${declaring}.`));
    for (const method of inherited) methods.add(name + method.slice(declaring.length));
  }
  return { values, methods };
}

function modules(): { name: string; symbol: ts.Symbol }[] {
  return checker
    .getAmbientModules()
    .map((symbol) => ({ symbol, name: symbol.name.replaceAll('"', "") }))
    .filter(({ name }) => !name.includes("*"));
}

function walkInNginx(): string {
  const names = modules().map(({ name }) => `"${name}"`);
  const objects = instances.map(([expression, type]) => `{ "${type}", ${expression} }`);
  return `
    local apart = { ["ngx.shared"] = true, ["ngx.header"] = true, ["ngx.var"] = true, ["ngx.arg"] = true }
    local function walk(t, path, depth)
      for key, value in pairs(t) do
        local name = path .. "." .. tostring(key)
        if type(key) ~= "string" or key:sub(1, 2) == "__" then
        elseif type(value) == "table" and depth > 0 and not apart[name] then walk(value, name, depth - 1)
        else ngx.say(name) end
      end
    end
    walk(ngx, "ngx", 1)
    walk(ndk, "ndk", 0)
    for _, name in ipairs({ "status", "headers_sent", "is_subrequest", "ctx" }) do
      if ngx[name] ~= nil then ngx.say("ngx.", name) end
    end
    for _, name in ipairs({ ${names.join(", ")} }) do
      local loaded, module = pcall(require, name)
      -- The first line of what failed: the others list where a module was looked for.
      if not loaded then ngx.say(name, ": ", (tostring(module):match("[^\\n]*")))
      elseif type(module) == "table" then walk(module, name, 0) end
    end
    for _, object in ipairs({ ${objects.join(", ")} }) do
      walk(getmetatable(object[2]).__index, object[1], 0)
    end
  `;
}
