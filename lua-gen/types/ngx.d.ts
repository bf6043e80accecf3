// The API of lua-nginx-module, as every script sees it in the global `ngx`. Its source is the module's manual:
// https://github.com/openresty/lua-nginx-module#nginx-api-for-lua
//
// What fails says so in its type: `LuaMultiReturn<[T, undefined] | [undefined, string]>` is `value, nil` or
// `nil, error`. `const [value, err] = …` keeps the two together, so testing one narrows the other.
//
// `@phases` names where a function may run, by the names that the directives have (`server_rewrite` of
// `server_rewrite_by_lua_block`, …) and `timer`, or by a set of them:
//   any        all of them
//   handler    server_rewrite rewrite access precontent content
//   ssl        ssl_client_hello ssl_certificate ssl_session_fetch: a client's handshake
//   proxy_ssl  proxy_ssl_certificate proxy_ssl_verify: an upstream's
//   yield      handler timer ssl proxy_ssl: where a function may wait
//   request    set handler header_filter body_filter log: where there is a request
// A `+` or `-` changes a set. `server_rewrite` came with 0.10.22 of the module, `precontent` and `proxy_ssl` later.

/// <reference path="./ngx/constants.d.ts" />
/// <reference path="./ngx/variables.d.ts" />
/// <reference path="./ngx/request.d.ts" />
/// <reference path="./ngx/response.d.ts" />
/// <reference path="./ngx/log.d.ts" />
/// <reference path="./ngx/shared.d.ts" />
/// <reference path="./ngx/socket.d.ts" />
/// <reference path="./ngx/concurrency.d.ts" />
/// <reference path="./ngx/worker.d.ts" />
/// <reference path="./ngx/time.d.ts" />
/// <reference path="./ngx/encoding.d.ts" />
/// <reference path="./ngx/regex.d.ts" />
/// <reference path="./ngx/subrequest.d.ts" />
