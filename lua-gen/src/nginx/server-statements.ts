import {
  comment,
  headerStatements,
  luaBlock,
  others,
  phaseStatements,
  setStatements,
  sharedStatements,
} from "./block-statements.ts";
import type {
  Condition,
  ConditionTest,
  Listen,
  Location,
  LocationHandler,
  LocationMatch,
  ProxyPass,
  Return,
  Server,
  Tls,
} from "./model.ts";
import type { Platform } from "./platform.ts";
import { measure, onOff, optional, printArgument, type Statement, statement } from "./statement.ts";

export function serverBlock(server: Server, platform: Platform): Statement {
  const http2Directive = isAtLeast(platform.version, [1, 25, 1]);
  return {
    name: "server",
    args: [],
    ...comment(server.source),
    block: [
      ...server.listen.map((listen) => listenStatement(listen, server, !http2Directive)),
      ...(http2Directive ? onOff("http2", server.http2) : []),
      ...(server.names === undefined ? [] : [statement("server_name", ...server.names)]),
      ...tlsStatements(server.tls),
      ...sharedStatements(server),
      ...luaBlock("server_rewrite_by_lua_block", server.serverRewrite),
      ...phaseStatements(server),
      ...(server.return === undefined ? [] : [returnStatement(server.return)]),
      ...others(server.directives),
      ...server.locations.map(locationBlock),
    ],
  };
}

/** Until 1.25.1 HTTP/2 was a parameter of `listen`; since then that is deprecated. */
function listenStatement(listen: Listen, server: Server, http2Parameter: boolean): Statement {
  const options: string[] = [];
  if (listen.defaultServer === true) options.push("default_server");
  if (server.tls !== undefined) options.push("ssl");
  if (http2Parameter && server.http2 === true) options.push("http2");
  if (listen.proxyProtocol === true) options.push("proxy_protocol");
  if (listen.reusePort === true) options.push("reuseport");
  if (listen.backlog !== undefined) options.push(`backlog=${listen.backlog}`);
  return statement("listen", listenAddress(listen), ...options);
}

function listenAddress(listen: Listen): string {
  const { address } = listen;
  if (typeof address === "object") return `unix:${address.unix}`;
  // Read only here: beside a socket's path it would be printed nowhere.
  const { port } = listen;
  if (port === undefined)
    throw new TypeError(`listen ${address ?? "without an address"}: the port is missing`);
  if (address === undefined) return String(port);
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function isAtLeast(version: readonly number[], wanted: readonly number[]): boolean {
  for (const [index, part] of wanted.entries()) {
    const have = version[index] ?? 0;
    if (have !== part) return have > part;
  }
  return true;
}

function tlsStatements(tls: Tls | undefined): Statement[] {
  if (tls === undefined) return [];
  return [
    statement("ssl_certificate", tls.certificateFile),
    statement("ssl_certificate_key", tls.keyFile),
    statement("ssl_protocols", ...(tls.protocols ?? ["TLSv1.2", "TLSv1.3"])),
    ...optional("ssl_ciphers", tls.ciphers),
    ...(tls.sessionCache === undefined
      ? []
      : [
          statement("ssl_session_cache", `shared:${tls.sessionCache.zone}:${tls.sessionCache.bytes}`),
          statement("ssl_session_timeout", `${tls.sessionCache.timeoutSeconds}s`),
        ]),
    ...onOff("ssl_session_tickets", tls.sessionTickets),
    ...onOff("ssl_prefer_server_ciphers", tls.preferServerCiphers),
    ...optional("ssl_dhparam", tls.dhParametersFile),
    ...onOff("ssl_stapling", tls.stapling),
    ...(tls.clients === undefined
      ? []
      : [
          statement("ssl_client_certificate", tls.clients.authorityFile),
          statement("ssl_verify_client", tls.clients.verify === "required" ? "on" : "optional"),
          ...measure("ssl_verify_depth", tls.clients.depthMax),
        ]),
    ...luaBlock("ssl_client_hello_by_lua_block", tls.clientHelloBy),
    ...luaBlock("ssl_certificate_by_lua_block", tls.certificateBy),
  ];
}

function locationBlock(location: Location): Statement {
  return {
    name: "location",
    args: matchArguments(location.match),
    ...comment(location.source),
    block: [
      ...(location.internal === true ? [statement("internal")] : []),
      ...sharedStatements(location),
      ...phaseStatements(location),
      ...(location.conditions ?? []).map(conditionBlock),
      ...(location.otherwise === undefined ? [] : [returnStatement(location.otherwise)]),
      ...(location.handler === undefined ? [] : handlerStatements(location.handler)),
      ...others(location.directives),
      ...(location.locations ?? []).map(locationBlock),
    ],
  };
}

function matchArguments(match: LocationMatch): string[] {
  if ("exact" in match) return ["=", match.exact];
  if ("prefix" in match) return [match.prefix];
  if ("prefixFinal" in match) return ["^~", match.prefixFinal];
  if ("regex" in match) return [match.ignoreCase === true ? "~*" : "~", match.regex];
  return [`@${match.name}`];
}

function conditionBlock(condition: Condition): Statement {
  const { answer } = condition;
  return {
    name: `if (${testText(condition.when)})`,
    args: [],
    ...comment(condition.source),
    block: [
      ...headerStatements(condition.addHeaders),
      ...setStatements(condition.set),
      ...luaBlock("access_by_lua_block", condition.access),
      ...luaBlock("header_filter_by_lua_block", condition.headerFilter),
      answer === "handler" ? statement("break") : returnStatement(answer),
    ],
  };
}

function testText(test: ConditionTest): string {
  if ("equals" in test) return `$${test.variable} = ${printArgument(test.equals)}`;
  if ("differs" in test) return `$${test.variable} != ${printArgument(test.differs)}`;
  if ("matches" in test) return `$${test.variable} ~ ${printArgument(test.matches)}`;
  return test.isSet && `$${test.variable}`;
}

function handlerStatements(handler: LocationHandler): Statement[] {
  if ("content" in handler) return luaBlock("content_by_lua_block", handler.content);
  if ("proxy" in handler) return proxyStatements(handler.proxy);
  if ("return" in handler) return [returnStatement(handler.return)];
  if ("emptyGif" in handler) return handler.emptyGif && [statement("empty_gif")];
  return handler.stubStatus && [statement("stub_status")];
}

function returnStatement(answer: Return): Statement {
  if ("location" in answer) return statement("return", answer.status, answer.location);
  return statement("return", answer.status, ...(answer.body === undefined ? [] : [answer.body]));
}

function proxyStatements(proxy: ProxyPass): Statement[] {
  const { nextUpstream } = proxy;
  return [
    statement("proxy_pass", proxy.to),
    ...(proxy.keepalive === false
      ? []
      : [statement("proxy_http_version", "1.1"), statement("proxy_set_header", "Connection", "")]),
    ...Object.entries(proxy.setHeaders ?? {}).map(([name, value]) =>
      statement("proxy_set_header", name, value),
    ),
    ...(proxy.hideHeaders ?? []).map((name) => statement("proxy_hide_header", name)),
    ...measure("proxy_connect_timeout", proxy.connectTimeoutMs, "ms"),
    ...measure("proxy_send_timeout", proxy.sendTimeoutMs, "ms"),
    ...measure("proxy_read_timeout", proxy.readTimeoutMs, "ms"),
    ...(nextUpstream === undefined
      ? []
      : [statement("proxy_next_upstream", ...(nextUpstream === "off" ? ["off"] : nextUpstream))]),
    ...measure("proxy_next_upstream_tries", proxy.nextUpstreamTriesMax),
    ...measure("proxy_next_upstream_timeout", proxy.nextUpstreamTimeoutMs, "ms"),
    ...onOff("proxy_buffering", proxy.buffering),
    ...onOff("proxy_request_buffering", proxy.requestBuffering),
    ...measure("proxy_buffer_size", proxy.bufferBytes),
    ...(proxy.buffers === undefined
      ? []
      : [statement("proxy_buffers", proxy.buffers.count, proxy.buffers.bytes)]),
    ...onOff("proxy_intercept_errors", proxy.interceptErrors),
    ...luaBlock("proxy_ssl_certificate_by_lua_block", proxy.upstreamCertificateBy),
    ...luaBlock("proxy_ssl_verify_by_lua_block", proxy.upstreamVerifyBy),
  ];
}
