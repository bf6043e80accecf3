import type { Directive, ErrorLog, LuaHandler, Phases, Shared } from "./model.ts";
import { measure, onOff, optional, type Statement, statement } from "./statement.ts";

export function others(directives: readonly Directive<never>[] | undefined): Statement[] {
  return (directives ?? []).map(({ name, args }) => statement(name, ...args));
}

/** The comment above a block. */
export function comment(source: string | undefined): { comment?: string } {
  return source === undefined ? {} : { comment: source };
}

export function luaBlock(name: string, handler: LuaHandler | undefined): Statement[] {
  return handler === undefined ? [] : [{ name, args: [], lua: luaText(handler) }];
}

/** What stands in the block. */
export function luaText(handler: LuaHandler): string {
  return "code" in handler ? handler.code : `require("${handler.module}").${handler.entry}()`;
}

export function phaseStatements(phases: Phases): Statement[] {
  return [
    ...setStatements(phases.set),
    ...(phases.setBy ?? []).map(setByStatement),
    ...luaBlock("rewrite_by_lua_block", phases.rewrite),
    ...luaBlock("access_by_lua_block", phases.access),
    ...luaBlock("precontent_by_lua_block", phases.precontent),
    ...luaBlock("header_filter_by_lua_block", phases.headerFilter),
    ...luaBlock("body_filter_by_lua_block", phases.bodyFilter),
    ...luaBlock("log_by_lua_block", phases.log),
  ];
}

export function setStatements(set: Phases["set"]): Statement[] {
  return (set ?? []).map(({ variable, value }) => statement("set", `$${variable}`, value));
}

/** Code says by itself what it returns; of a module's entry it is what the entry returns. */
function setByStatement({ variable, by }: NonNullable<Phases["setBy"]>[number]): Statement {
  const lua = "code" in by ? by.code : `return ${luaText(by)}`;
  return { name: "set_by_lua_block", args: [`$${variable}`], lua };
}

export function headerStatements(headers: Shared["addHeaders"]): Statement[] {
  return (headers ?? []).map(({ name, value, always }) =>
    statement("add_header", name, value, ...(always === true ? ["always"] : [])),
  );
}

export function sharedStatements(shared: Shared): Statement[] {
  return [
    ...optional("default_type", shared.defaultType),
    ...accessLog(shared.accessLog),
    ...errorLog(shared.errorLog),
    ...measure("client_max_body_size", shared.clientBodyBytesMax),
    ...measure("client_body_buffer_size", shared.clientBodyBufferBytes),
    ...measure("client_header_timeout", shared.clientHeaderTimeoutMs, "ms"),
    ...measure("client_body_timeout", shared.clientBodyTimeoutMs, "ms"),
    ...measure("send_timeout", shared.sendTimeoutMs, "ms"),
    ...measure("keepalive_timeout", shared.keepaliveTimeoutSeconds, "s"),
    ...measure("keepalive_requests", shared.keepaliveRequestsMax),
    ...onOff("server_tokens", shared.serverTokens),
    ...onOff("underscores_in_headers", shared.underscoresInHeaders),
    ...onOff("sendfile", shared.sendfile),
    ...onOff("tcp_nodelay", shared.tcpNoDelay),
    ...onOff("tcp_nopush", shared.tcpNoPush),
    ...optional("root", shared.root),
    ...realIp(shared.realIp),
    ...resolver(shared.resolver),
    ...limits(shared),
    ...measure("lua_socket_connect_timeout", shared.luaSocketTimeoutsMs?.connect, "ms"),
    ...measure("lua_socket_send_timeout", shared.luaSocketTimeoutsMs?.send, "ms"),
    ...measure("lua_socket_read_timeout", shared.luaSocketTimeoutsMs?.read, "ms"),
    ...headerStatements(shared.addHeaders),
    ...(shared.errorPages ?? []).map(({ statuses, uri, as }) =>
      statement("error_page", ...statuses, ...(as === undefined ? [] : [`=${as}`]), uri),
    ),
  ];
}

function accessLog(log: Shared["accessLog"]): Statement[] {
  if (log === undefined) return [];
  if (log === "off") return [statement("access_log", "off")];
  return [
    statement(
      "access_log",
      log.path,
      log.format ?? "combined",
      ...(log.bufferBytes === undefined ? [] : [`buffer=${log.bufferBytes}`]),
      ...(log.flushMs === undefined ? [] : [`flush=${log.flushMs}ms`]),
      ...(log.if === undefined ? [] : [`if=${log.if}`]),
    ),
  ];
}

function errorLog(log: ErrorLog | undefined): Statement[] {
  return log === undefined ? [] : [statement("error_log", log.path, log.level ?? "error")];
}

function realIp(realIp: Shared["realIp"]): Statement[] {
  if (realIp === undefined) return [];
  return [
    ...realIp.trusted.map((range) => statement("set_real_ip_from", range)),
    statement("real_ip_header", realIp.header),
    ...onOff("real_ip_recursive", realIp.recursive),
  ];
}

function limits(shared: Shared): Statement[] {
  return [
    ...(shared.limitRequests ?? []).map(({ zone, burst, delay }) =>
      statement(
        "limit_req",
        `zone=${zone}`,
        ...(burst === undefined ? [] : [`burst=${burst}`]),
        ...(delay === undefined ? [] : [delay === "none" ? "nodelay" : `delay=${delay}`]),
      ),
    ),
    ...(shared.limitConnections ?? []).map(({ zone, connectionsMax }) =>
      statement("limit_conn", zone, connectionsMax),
    ),
    ...measure("limit_req_status", shared.limitStatus),
    ...measure("limit_conn_status", shared.limitStatus),
    ...measure("limit_rate", shared.limitRateBytesPerSecond),
  ];
}

function resolver(resolver: Shared["resolver"]): Statement[] {
  if (resolver === undefined) return [];
  const valid = resolver.validSeconds === undefined ? [] : [`valid=${resolver.validSeconds}s`];
  return [statement("resolver", ...resolver.addresses, ...valid)];
}
