import Type from "typebox";
import { Refusal } from "../../kernel/errors.ts";
import { platformErrors } from "../errors.ts";
import type { HttpServer } from "./server.ts";

/**
 * What a process leans on. Without a `required` one it can do nothing and says so by 503; without another it
 * answers what it can, and `/readyz` names what is down.
 */
export interface Dependencies {
  readonly required: Readonly<Record<string, () => Promise<void>>>;
  readonly helpful: Readonly<Record<string, () => boolean>>;
  /** True from the moment the process was told to stop. */
  readonly isStopping: () => boolean;
}

const checkTimeoutMs = 1_000;

export function addHealthRoutes(app: HttpServer, dependencies: Dependencies): void {
  const options = {
    config: { access: "public" },
    schema: { hide: true, response: { 200: Type.Record(Type.String(), Type.Unknown()) } },
    // Probes come every second; what they find is logged when it is not well.
    logLevel: "warn",
  } as const;

  app.get("/healthz", options, async () => ({ status: "alive" }));

  app.get("/readyz", options, async () => {
    if (dependencies.isStopping()) throw new Refusal(platformErrors.stopping);
    const states: Record<string, "up" | "down"> = {};
    for (const [name, isUp] of Object.entries(dependencies.helpful)) states[name] = isUp() ? "up" : "down";
    await Promise.all(
      Object.entries(dependencies.required).map(async ([name, check]) => {
        states[name] = (await answersInTime(check)) ? "up" : "down";
      }),
    );
    const missing = Object.keys(dependencies.required).filter((name) => states[name] === "down");
    if (missing.length > 0) {
      const detail = `${missing.join(", ")} can't be reached`;
      throw new Refusal(platformErrors.unavailable, { detail, members: { dependencies: states } });
    }
    return { status: "ready", dependencies: states };
  });
}

async function answersInTime(check: () => Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), checkTimeoutMs);
  });
  const answered = check().then(
    () => true,
    () => false,
  );
  const inTime = await Promise.race([answered, timeout]);
  clearTimeout(timer);
  return inTime;
}
