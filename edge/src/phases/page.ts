import { knownTag } from "../platform/request.ts";
import { answerPage } from "../platform/response.ts";
import type { PageSettings } from "../settings.ts";

/**
 * A page from memory. Browsers ask each time whether theirs is still the one, so a new edge is a new page at once.
 *
 * @phase content
 */
export function servePage(page: PageSettings, securityPolicy: string): void {
  answerPage(page, knownTag() === page.etag, securityPolicy);
}
