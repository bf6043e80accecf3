/** A whole number of up to 53 bits: LuaJIT prints great ones with an exponent. */
export function decimal(value: number): string {
  let text = "";
  let rest = value;
  do {
    text = `${"0123456789".charAt(rest % 10)}${text}`;
    rest = Math.floor(rest / 10);
  } while (rest > 0);
  return text;
}
