// Everything that Lua code inside nginx can see: `"types": ["lua-gen/types"]` in tsconfig.json, or extend
// lua-gen/tsconfig.lua.json, which has it.

/// <reference types="@typescript-to-lua/language-extensions" />
/// <reference path="./lua/standard-library.d.ts" />
/// <reference path="./lua/luajit.d.ts" />
/// <reference path="./lua/table-extensions.d.ts" />
/// <reference path="./lua/ffi.d.ts" />
/// <reference path="./lua/string-buffer.d.ts" />
/// <reference path="./lua/cjson.d.ts" />
/// <reference path="./ngx.d.ts" />
/// <reference path="./ngx/modules.d.ts" />
/// <reference path="./ngx/balancer.d.ts" />
/// <reference path="./ngx/semaphore.d.ts" />
/// <reference path="./ngx/ssl.d.ts" />
/// <reference path="./ngx/pipe.d.ts" />
/// <reference path="./resty/lrucache.d.ts" />
/// <reference path="./resty/redis.d.ts" />
/// <reference path="./resty/hashes.d.ts" />
/// <reference path="./resty/websocket.d.ts" />
/// <reference path="./lua-gen/traceback.d.ts" />
