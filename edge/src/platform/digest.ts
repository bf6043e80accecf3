/** 16 hexadecimal digits that are the same for the same bytes everywhere. Not for secrets. */
export function shortDigest(text: string): string {
  return ngx.md5(text).substring(0, 16);
}
