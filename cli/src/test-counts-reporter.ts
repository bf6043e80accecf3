import type { TestEvent } from "node:test/reporters";

/**
 * A reporter for programs: one line of JSON with how many tests passed and failed. Only the summary of the
 * whole run has no file; those of single files come before it.
 */
export async function* countTests(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type !== "test:summary" || event.data.file !== undefined) continue;
    const { tests, passed, skipped, todo } = event.data.counts;
    yield `${JSON.stringify({ passed, failed: tests - passed - skipped - todo })}\n`;
  }
}

// biome-ignore lint/style/noDefaultExport: node:test loads a reporter by its default export.
export default countTests;
