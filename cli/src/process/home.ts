/**
 * The folder that holds all that a running system owns. The names in it are public: people and outside
 * tools read `run/<name>.pid` and `logs/<name>.log`.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

export interface Home {
  root: string;
  run: string;
  logs: string;
  data: string;
  keys: string;
}

export function openHome(root: string): Home {
  const home = {
    root,
    run: join(root, "run"),
    logs: join(root, "logs"),
    data: join(root, "data"),
    keys: join(root, "keys"),
  };
  mkdirSync(root, { recursive: true });
  for (const folder of [home.run, home.logs, home.data]) mkdirSync(folder, { recursive: true });
  mkdirSync(home.keys, { recursive: true, mode: 0o700 });
  return home;
}
