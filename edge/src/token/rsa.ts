import * as ffi from "ffi";

/**
 * RS256 (RSASSA-PKCS1-v1_5 with SHA-256, RFC 7518 3.3) by the libcrypto that nginx is linked with. Every call takes
 * pointers and numbers only, so LuaJIT compiles it; one verification costs about 25 µs for RSA-2048.
 */
export interface RsaPublicKey {
  readonly key: ffi.CData;
  /**
   * Of this key alone: OpenSSL keeps the first key that a context was given and takes no notice of another, so a
   * shared one would go on verifying by a key that is long gone.
   */
  readonly context: ffi.CData;
}

// Opaque types are declared as void: another library in the same process may have declared them already.
ffi.cdef(`
  void *BIO_new_mem_buf(const void *buf, int len);
  int BIO_free(void *bio);
  void *PEM_read_bio_PUBKEY(void *bio, void **out, void *callback, void *user);
  void EVP_PKEY_free(void *key);
  void *EVP_MD_CTX_new(void);
  void EVP_MD_CTX_free(void *context);
  const void *EVP_sha256(void);
  int EVP_DigestVerifyInit(void *context, void **keyContext, const void *digest, void *engine, void *key);
  int EVP_DigestVerify(void *context, const unsigned char *signature, size_t signatureLength,
                       const unsigned char *data, size_t dataLength);
  void ERR_clear_error(void);
`);

const C = ffi.C;

/** Undefined when the text is no PEM public key. */
export function parsePublicKey(pem: string): RsaPublicKey | undefined {
  const bio = C.BIO_new_mem_buf(pem, pem.length);
  if (bio === undefined) return undefined;
  const key = C.PEM_read_bio_PUBKEY(bio, undefined, undefined, undefined);
  C.BIO_free(bio);
  if (key === undefined) {
    C.ERR_clear_error();
    return undefined;
  }
  const context = ffi.gc(C.EVP_MD_CTX_new(), C.EVP_MD_CTX_free);
  return { key: ffi.gc(key, C.EVP_PKEY_free), context };
}

export function verifyRs256({ key, context }: RsaPublicKey, signature: string, data: string): boolean {
  const ready = C.EVP_DigestVerifyInit(context, undefined, C.EVP_sha256(), undefined, key);
  if (ready === 1 && C.EVP_DigestVerify(context, signature, signature.length, data, data.length) === 1) {
    return true;
  }
  // What stays in the thread's error queue would be taken for a failure of the next TLS operation.
  C.ERR_clear_error();
  return false;
}

declare module "ffi" {
  interface CLibrary {
    BIO_new_mem_buf(this: void, data: string, length: number): ffi.CData | undefined;
    BIO_free(this: void, bio: ffi.CData): number;
    PEM_read_bio_PUBKEY(
      this: void,
      bio: ffi.CData,
      out: undefined,
      callback: undefined,
      user: undefined,
    ): ffi.CData | undefined;
    EVP_PKEY_free(this: void, key: ffi.CData): void;
    EVP_MD_CTX_new(this: void): ffi.CData;
    EVP_MD_CTX_free(this: void, context: ffi.CData): void;
    EVP_sha256(this: void): ffi.CData;
    EVP_DigestVerifyInit(
      this: void,
      context: ffi.CData,
      keyContext: undefined,
      digest: ffi.CData,
      engine: undefined,
      key: ffi.CData,
    ): number;
    EVP_DigestVerify(
      this: void,
      context: ffi.CData,
      signature: string,
      signatureLength: number,
      data: string,
      dataLength: number,
    ): number;
    ERR_clear_error(this: void): void;
  }
}
