/** Turns a command's outcome into the process's: its exit code, or one message without a stack. */
export async function finish(work: Promise<number>): Promise<void> {
  try {
    process.exitCode = await work;
  } catch (error) {
    console.error(`\n${explained(error)}`);
    process.exitCode = 1;
  }
}

/** fetch hides the reason ("connect ECONNREFUSED …") in the cause. */
function explained(error: unknown): string {
  const { message, cause } = error as Error;
  return message === "fetch failed" && cause instanceof Error ? `${message}: ${cause.message}` : message;
}
