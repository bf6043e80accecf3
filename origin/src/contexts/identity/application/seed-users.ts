import type { Clock } from "../../../kernel/clock.ts";
import { normalisePassword } from "./credentials.ts";
import type { PasswordHasher, Users } from "./ports.ts";

export const demoUsernames = ["demo", "alice"] as const;

export interface SeedDependencies {
  readonly users: Pick<Users, "findByUsername" | "insert" | "setPasswordHash">;
  readonly passwords: PasswordHasher;
  readonly clock: Clock;
}

/** Afterwards each demo user exists and has this password. Returns how many were added. */
export async function seedUsers(
  { users, passwords, clock }: SeedDependencies,
  password: string,
): Promise<number> {
  let added = 0;
  const normalised = normalisePassword(password);
  for (const username of demoUsernames) {
    const found = await users.findByUsername(username);
    if (found === undefined) {
      await users.insert(username, await passwords.hash(normalised), clock());
      added += 1;
    } else if (
      found.passwordHash === undefined ||
      !(await passwords.verify(normalised, found.passwordHash)).matches
    ) {
      await users.setPasswordHash(found.id, await passwords.hash(normalised));
    }
  }
  return added;
}
