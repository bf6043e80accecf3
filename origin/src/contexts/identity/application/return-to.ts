/** Longer paths are no page of ours. */
export const returnToLengthMax = 512;

/**
 * A path of this site, in printable ASCII. Everything else that browsers take for another site's address is refused
 * by its form: `//host`, `/\host`, and what they drop before they look, such as tabs and line breaks.
 */
export const returnToPattern = "^/(?![/\\\\])[!-\\[\\]-~]*$";
