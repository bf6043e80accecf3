import assert from "node:assert/strict";
import { test } from "node:test";
import { findPlatform, luaSearchPath, PlatformError, readBuild } from "./platform.ts";

test("the nginx of this machine can run Lua", () => {
  const platform = findPlatform();
  assert.ok(platform.version[0] >= 1);
  assert.ok(platform.kind === "openresty" || platform.luaPath.some((path) => path.endsWith("shims/?.lua")));
});

test("OpenResty has Lua built in and its libraries beside it", () => {
  const platform = readBuild(
    "openresty",
    "nginx version: openresty/1.27.1.2\nconfigure arguments: --prefix=/usr/local/openresty/nginx " +
      "--add-module=../ndk-0.3.3 --add-module=../ngx_lua-0.10.28\n",
  );
  assert.deepEqual(platform.version, [1, 27, 1]);
  assert.deepEqual(platform.loadModules, []);
  assert.match(
    luaSearchPath(platform, "/srv/lua"),
    /^\/srv\/lua\/\?\.lua;\/usr\/local\/openresty\/site\/lualib\/\?\.lua;\/usr\/local\/openresty\/lualib\/\?\.lua;;[^;]+\/runtime\/\?\.lua$/,
  );
});

test("a plain nginx searches LuaJIT's defaults before the shims", () => {
  const platform = readBuild(
    "nginx",
    "nginx version: nginx/1.26.0\nconfigure arguments: --prefix=/opt/nginx --add-module=/src/lua-nginx-module\n",
  );
  assert.match(
    luaSearchPath(platform, "/srv/lua"),
    /^\/srv\/lua\/\?\.lua;.*;;[^;]+\/runtime\/\?\.lua;[^;]+\/shims\/\?\.lua$/,
  );
});

test("an nginx without the Lua module says which package brings it", () => {
  const build = "nginx version: nginx/1.22.1\nconfigure arguments: --modules-path=/nowhere\n";
  assert.throws(() => readBuild("nginx", build), {
    constructor: PlatformError,
    message: /libnginx-mod-http-lua/,
  });
  assert.throws(() => findPlatform("/nowhere/nginx"), PlatformError);
});
