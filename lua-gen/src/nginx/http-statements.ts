import { comment, luaBlock, others, phaseStatements, sharedStatements } from "./block-statements.ts";
import type {
  Http,
  LimitZone,
  LogFormat,
  LuaSettings,
  Upstream,
  UpstreamServer,
  VariableMap,
} from "./model.ts";
import type { Platform } from "./platform.ts";
import { serverBlock } from "./server-statements.ts";
import { measure, onOff, printArgument, type Statement, statement } from "./statement.ts";

export function httpBlock(http: Http, platform: Platform): Statement {
  return {
    name: "http",
    args: [],
    ...comment(http.source),
    block: [
      ...luaSettings(http.lua),
      ...Object.entries(http.sharedDicts ?? {}).map(([name, bytes]) =>
        statement("lua_shared_dict", name, bytes),
      ),
      ...Object.entries(http.limitZones ?? {}).map(limitZone),
      ...tempPaths(http.tempDir),
      ...Object.entries(http.logFormats ?? {}).map(logFormat),
      ...sharedStatements(http),
      ...mediaTypes(http.types),
      ...others(http.directives),
      ...luaBlock("init_by_lua_block", http.init),
      ...luaBlock("init_worker_by_lua_block", http.initWorker),
      ...luaBlock("exit_worker_by_lua_block", http.exitWorker),
      ...luaBlock("ssl_session_fetch_by_lua_block", http.sessionFetchBy),
      ...luaBlock("ssl_session_store_by_lua_block", http.sessionStoreBy),
      ...luaBlock("server_rewrite_by_lua_block", http.serverRewrite),
      ...phaseStatements(http),
      ...(http.maps ?? []).map(mapBlock),
      ...(http.upstreams ?? []).map(upstreamBlock),
      ...http.servers.map((server) => serverBlock(server, platform)),
    ],
  };
}

function luaSettings(lua: LuaSettings): Statement[] {
  return [
    statement("lua_package_path", lua.packagePath),
    ...(lua.packageCpath === undefined ? [] : [statement("lua_package_cpath", lua.packageCpath)]),
    ...measure("lua_max_pending_timers", lua.timersPendingMax),
    ...measure("lua_max_running_timers", lua.timersRunningMax),
    ...onOff("lua_socket_log_errors", lua.logSocketErrors),
  ];
}

function limitZone([name, { key, bytes, rate }]: [string, LimitZone]): Statement {
  const zone = `zone=${name}:${bytes}`;
  if (rate === undefined) return statement("limit_conn_zone", key, zone);
  return statement(
    "limit_req_zone",
    key,
    zone,
    `rate=${rate.requests}r/${rate.per === "second" ? "s" : "m"}`,
  );
}

/** nginx creates all five at start, whether anything uses them or not. */
function tempPaths(folder: string | undefined): Statement[] {
  if (folder === undefined) return [];
  return [
    statement("client_body_temp_path", `${folder}/client-body`),
    statement("proxy_temp_path", `${folder}/proxy`),
    statement("fastcgi_temp_path", `${folder}/fastcgi`),
    statement("uwsgi_temp_path", `${folder}/uwsgi`),
    statement("scgi_temp_path", `${folder}/scgi`),
  ];
}

function logFormat([name, log]: [string, LogFormat]): Statement {
  return statement(
    "log_format",
    name,
    ...(log.escape === undefined ? [] : [`escape=${log.escape}`]),
    log.format,
  );
}

function mediaTypes(types: Http["types"]): Statement[] {
  if (types === undefined) return [];
  const block = Object.entries(types).map(([type, extensions]) => statement(type, ...extensions));
  return [{ name: "types", args: [], block }];
}

function mapBlock(map: VariableMap): Statement {
  return {
    name: "map",
    args: [map.from, `$${map.variable}`],
    ...comment(map.source),
    block: [
      ...(map.hostnames === true ? [statement("hostnames")] : []),
      ...(map.default === undefined ? [] : [statement("default", map.default)]),
      ...map.values.map(([key, value]) => statement(printArgument(key), value)),
    ],
  };
}

function upstreamBlock(upstream: Upstream): Statement {
  const { keepalive } = upstream;
  return {
    name: "upstream",
    args: [upstream.name],
    ...comment(upstream.source),
    block: [
      // nginx wants a server even where a balancer decides; this address can't be reached by mistake.
      ...("servers" in upstream ? upstream.servers.map(upstreamServer) : [statement("server", "0.0.0.1")]),
      ...("balancer" in upstream ? luaBlock("balancer_by_lua_block", upstream.balancer) : []),
      // After the balancer: the directive wraps whichever method stands before it.
      ...measure("keepalive", keepalive?.connections),
      ...measure("keepalive_requests", keepalive?.requestsMax),
      ...measure("keepalive_timeout", keepalive?.timeoutSeconds, "s"),
      ...others(upstream.directives),
    ],
  };
}

function upstreamServer(server: UpstreamServer): Statement {
  const options: string[] = [];
  if (server.weight !== undefined) options.push(`weight=${server.weight}`);
  if (server.failuresMax !== undefined) options.push(`max_fails=${server.failuresMax}`);
  if (server.failTimeoutSeconds !== undefined) options.push(`fail_timeout=${server.failTimeoutSeconds}s`);
  if (server.connectionsMax !== undefined) options.push(`max_conns=${server.connectionsMax}`);
  if (server.backup === true) options.push("backup");
  if (server.down === true) options.push("down");
  return statement("server", server.address, ...options);
}
