// The API of lua-nginx-module, as every script sees it in the global `ngx`. Its source is the module's manual:
// https://github.com/openresty/lua-nginx-module#nginx-api-for-lua
//
// What fails says so in its type: `LuaMultiReturn<[T, undefined] | [undefined, string]>` is `value, nil` or
// `nil, error`. `const [value, err] = …` keeps the two together, so testing one narrows the other.
//
// `@phases` names where a function may run, by nginx's own names (`init`, `init_worker`, `set`, `rewrite`, `access`,
// `content`, `header_filter`, `body_filter`, `log`, `timer`, `balancer`, `ssl`, `exit_worker`), or by a set of them:
//   any       all of them
//   handler   rewrite access content
//   yield     rewrite access content timer ssl: where a function may wait
//   request   set rewrite access content header_filter body_filter log: where there is a request
// `ssl` stands for ssl_certificate, ssl_session_fetch and ssl_client_hello. A `+` or `-` changes a set.

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
