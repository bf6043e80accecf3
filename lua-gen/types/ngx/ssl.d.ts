/** @noResolution @noSelf */
declare module "ngx.ssl" {
  import type { Pointer } from "ffi";

  type Done = LuaMultiReturn<[true, undefined] | [undefined, string]>;
  type Address = LuaMultiReturn<
    [data: string, type: "inet" | "inet6" | "unix", err: undefined] | [undefined, undefined, string]
  >;

  /** Before setting others: those of the configuration. @phases ssl */
  export function clear_certs(): Done;
  /** @phases any */
  export function cert_pem_to_der(pem: string): LuaMultiReturn<[string, undefined] | [undefined, string]>;
  /** @phases any */
  export function priv_key_pem_to_der(
    pem: string,
    passphrase?: string,
  ): LuaMultiReturn<[string, undefined] | [undefined, string]>;
  /** @phases ssl */
  export function set_der_cert(der: string): Done;
  /** @phases ssl */
  export function set_der_priv_key(der: string): Done;
  /** Parse once and set often: faster than DER for each handshake. @phases any */
  export function parse_pem_cert(pem: string): LuaMultiReturn<[Pointer, undefined] | [undefined, string]>;
  /** @phases any */
  export function parse_pem_priv_key(pem: string): LuaMultiReturn<[Pointer, undefined] | [undefined, string]>;
  /** @phases ssl */
  export function set_cert(chain: Pointer): Done;
  /** @phases ssl */
  export function set_priv_key(key: Pointer): Done;
  /** `nil, nil` when the client sent no SNI. @phases any */
  export function server_name(): LuaMultiReturn<[string | undefined, string | undefined]>;
  /** @phases any */
  export function server_port(): LuaMultiReturn<[number, undefined] | [undefined, string]>;
  /** Bytes in network order. @phases any */
  export function raw_server_addr(): Address;
  /** Bytes in network order. @phases any */
  export function raw_client_addr(): Address;
  export const SSL3_VERSION: 0x0300;
  export const TLS1_VERSION: 0x0301;
  export const TLS1_1_VERSION: 0x0302;
  export const TLS1_2_VERSION: 0x0303;
  export const TLS1_3_VERSION: 0x0304;
  /** One of the constants above. @phases any */
  export function get_tls1_version(): LuaMultiReturn<[number, undefined] | [undefined, string]>;
  /** "TLSv1.3". @phases any */
  export function get_tls1_version_str(): LuaMultiReturn<[string, undefined] | [undefined, string]>;
  /**
   * Asks the client for a certificate; the outcome is in `$ssl_client_verify`. `authorities` are named to it and
   * trusted; those of the third argument, which is newer than Debian's, are trusted only.
   *
   * @phases ssl_certificate ssl_client_hello
   */
  export function verify_client(authorities?: Pointer, depth?: number, trusted?: Pointer): Done;

  // What follows is newer than what Debian packages.

  /** {@link parse_pem_cert} of DER. @phases any */
  export function parse_der_cert(der: string): LuaMultiReturn<[Pointer, undefined] | [undefined, string]>;
  /** {@link parse_pem_priv_key} of DER. @phases any */
  export function parse_der_priv_key(der: string): LuaMultiReturn<[Pointer, undefined] | [undefined, string]>;
  /** Bytes of the handshake; `length` 0 asks how many there are. @phases any */
  export function get_client_random(length?: number): string | number;
  /** Likewise, of the server. @phases any */
  export function get_server_random(length?: number): string | number;
  /** The master secret of TLS 1.2, for who records traffic. @phases any */
  export function get_session_master_key(length?: number): string | number;
  /** Keys for the application, from the connection's secret (RFC 5705, RFC 8446 7.5). @phases request */
  export function export_keying_material(
    length: number,
    label: string,
    context?: string,
  ): LuaMultiReturn<[string, undefined] | [undefined, string]>;
  /** Likewise from the secret of early data. @phases request */
  export function export_keying_material_early(
    length: number,
    label: string,
    context?: string,
  ): LuaMultiReturn<[string, undefined] | [undefined, string]>;
  /** OpenSSL's `SSL *` of the client's connection; it is gone with that, unless FFI counts it up. @phases any */
  export function get_req_ssl_pointer(): LuaMultiReturn<[Pointer, undefined] | [undefined, string]>;
  /** Likewise of the upstream's. @phases any */
  export function get_upstream_ssl_pointer(): LuaMultiReturn<[Pointer, undefined] | [undefined, string]>;
  /** Whether one of these resumed a session. @phases any */
  export function ssl_session_reused(
    ssl: Pointer,
  ): LuaMultiReturn<[boolean, undefined] | [undefined, string]>;
  /** The numbers of the ciphers that client and server share; without GREASE, unless false is given. @phases any */
  export function get_req_shared_ssl_ciphers(
    filterGrease?: boolean,
  ): LuaMultiReturn<[number[], undefined] | [undefined, string]>;
}

/** The TLS version of the connection to the upstream. Newer than Debian's. @noResolution @noSelf */
declare module "ngx.proxyssl" {
  /** One of the constants of `ngx.ssl`. @phases proxy_ssl */
  export function get_tls1_version(): LuaMultiReturn<[number, undefined] | [undefined, string]>;
  /** "TLSv1.3". @phases proxy_ssl */
  export function get_tls1_version_str(): LuaMultiReturn<[string, undefined] | [undefined, string]>;
}

/** Our certificate for an upstream that asks for one. Newer than Debian's. @noResolution @noSelf */
declare module "ngx.ssl.proxysslcert" {
  import type { Pointer } from "ffi";

  type Done = LuaMultiReturn<[true, undefined] | [undefined, string]>;
  /** Before setting others: those of the configuration. @phases proxy_ssl_certificate */
  export function clear_certs(): Done;
  /** @phases proxy_ssl_certificate */
  export function set_der_cert(der: string): Done;
  /** @phases proxy_ssl_certificate */
  export function set_der_priv_key(der: string): Done;
  /** @phases proxy_ssl_certificate */
  export function set_cert(chain: Pointer): Done;
  /** @phases proxy_ssl_certificate */
  export function set_priv_key(key: Pointer): Done;
}

/** Our own opinion of an upstream's certificate. Newer than Debian's. @noResolution @noSelf */
declare module "ngx.ssl.proxysslverify" {
  import type { Pointer } from "ffi";

  /** A number of OpenSSL's `X509_V_…`; 0 is good. @phases proxy_ssl_verify */
  export function set_verify_result(result: number): LuaMultiReturn<[true, undefined] | [undefined, string]>;
  /** @phases proxy_ssl_verify */
  export function get_verify_result(): LuaMultiReturn<[number, undefined] | [undefined, string]>;
  /** OpenSSL's `X509 *`. @phases proxy_ssl_verify */
  export function get_verify_cert(): LuaMultiReturn<[Pointer, undefined] | [undefined, string]>;
}

/** @noResolution @noSelf */
declare module "ngx.ssl.clienthello" {
  /** `nil, nil` without SNI. @phases ssl_client_hello */
  export function get_client_hello_server_name(): LuaMultiReturn<[string | undefined, string | undefined]>;
  /** The numbers of the ciphers offered, without GREASE. Newer than Debian's. @phases ssl_client_hello */
  export function get_client_hello_ciphers(): LuaMultiReturn<[number[], undefined] | [undefined, string]>;
  /** The numbers of the extensions that came, without GREASE. Newer than Debian's. @phases ssl_client_hello */
  export function get_client_hello_ext_present(): LuaMultiReturn<[number[], undefined] | [undefined, string]>;
  /** The extension's raw bytes. @phases ssl_client_hello */
  export function get_client_hello_ext(type: number): string | undefined;
  /** "TLSv1.3" and so on; `nil, nil` when the client sent no such extension. @phases ssl_client_hello */
  export function get_supported_versions(): LuaMultiReturn<[string[] | undefined, string | undefined]>;
  /** @phases ssl_client_hello */
  export function set_protocols(
    protocols: readonly ("SSLv2" | "SSLv3" | "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3")[],
  ): LuaMultiReturn<[true, undefined] | [undefined, string]>;
}

/** Sessions that another worker or machine can resume. @noResolution @noSelf */
declare module "ngx.ssl.session" {
  /** @phases ssl_session_store */
  export function get_serialized_session(): LuaMultiReturn<[string, undefined] | [undefined, string]>;
  /** Hexadecimal. @phases ssl_session_fetch ssl_session_store */
  export function get_session_id(): LuaMultiReturn<[string, undefined] | [undefined, string]>;
  /** @phases ssl_session_fetch */
  export function set_serialized_session(
    session: string,
  ): LuaMultiReturn<[true, undefined] | [undefined, string]>;
}

/** Stapling. Certificates are DER. @noResolution @noSelf */
declare module "ngx.ocsp" {
  /** The responder's URL; `nil, nil` when the certificate names none. @phases any */
  export function get_ocsp_responder_from_der_chain(
    chain: string,
    lengthMax?: number,
  ): LuaMultiReturn<[url: string | undefined, err: string | undefined]>;
  /** @phases any */
  export function create_ocsp_request(
    chain: string,
    lengthMax?: number,
  ): LuaMultiReturn<[string, undefined] | [undefined, string]>;
  /** @phases any */
  export function validate_ocsp_response(
    response: string,
    chain: string,
    errorLengthMax?: number,
  ): LuaMultiReturn<[true, undefined] | [undefined, string]>;
  /** `true, "no status req"` when the client didn't ask. @phases ssl */
  export function set_ocsp_status_resp(
    response: string,
  ): LuaMultiReturn<[true, "no status req" | undefined] | [undefined, string]>;
}
