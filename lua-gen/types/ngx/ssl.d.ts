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
  /** Asks the client for a certificate; the outcome is in `$ssl_client_verify`. @phases ssl */
  export function verify_client(trusted?: Pointer, depth?: number): Done;
}

/** @noResolution @noSelf */
declare module "ngx.ssl.clienthello" {
  /** `nil, nil` without SNI. @phases ssl */
  export function get_client_hello_server_name(): LuaMultiReturn<[string | undefined, string | undefined]>;
  /** The extension's raw bytes. @phases ssl */
  export function get_client_hello_ext(type: number): string | undefined;
  /** "TLSv1.3" and so on; `nil, nil` when the client sent no such extension. @phases ssl */
  export function get_supported_versions(): LuaMultiReturn<[string[] | undefined, string | undefined]>;
  /** @phases ssl */
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
