/** How somebody signs in: by password, and as whom at which provider. The last way can't be removed. */
import { button, element, find, onSubmit, tell } from "../page.ts";
import type { Session } from "../session.ts";
import type { Provider } from "./sign-in.ts";

interface Ways {
  readonly hasPassword: boolean;
  readonly identities: readonly { readonly id: number; readonly provider: string; readonly label: string }[];
}

/** Returns what shows them anew. */
export function manageWays(
  session: Session,
  providers: () => readonly Provider[],
  passwordChanged: () => Promise<void>,
): () => Promise<void> {
  const nameOf = (id: string) => providers().find((one) => one.id === id)?.name ?? id;

  const show = async () => {
    const reply = await session.ask<Ways>("GET", "/auth/identities");
    if (!reply.ok) return;
    const { hasPassword, identities } = reply.body;
    const isOnly = identities.length === 1 && !hasPassword;
    const rows = identities.map(({ id, provider, label }) => {
      const unlink = button("Unlink", async () => {
        tell(await session.ask("DELETE", `/auth/identities/${id}`), `${nameOf(provider)} is unlinked`);
        await show();
      });
      const row = element("li", {}, element("span", {}, nameOf(provider), element("small", {}, label)));
      if (!isOnly) row.append(unlink);
      return row;
    });
    const password = element("li", {}, "Username and password");
    find("ways").replaceChildren(...(hasPassword ? [password, ...rows] : rows));
    showPasswordForm(hasPassword);
    find("links").replaceChildren(
      ...providers()
        .filter(({ id }) => identities.every(({ provider }) => provider !== id))
        .map(({ id, name }) => button(`Link ${name}`, () => link(session, id))),
    );
  };

  const form = find<HTMLFormElement>("password");
  onSubmit(form, async ({ current, next }) => {
    const currentPassword = find("current-password").hidden ? {} : { currentPassword: current };
    const reply = await session.ask("POST", "/auth/password", { ...currentPassword, newPassword: next });
    if (!tell(reply, "The password is saved")) return;
    form.reset();
    find<HTMLDetailsElement>("password-panel").open = false;
    await Promise.all([show(), passwordChanged()]);
  });
  return show;
}

/** Who signs in by a provider only can set a first one. */
function showPasswordForm(hasPassword: boolean): void {
  find("password-summary").textContent = hasPassword ? "Change the password" : "Set a password";
  const current = find("current-password");
  current.hidden = !hasPassword;
  const input = current.querySelector("input");
  if (input !== null) input.required = hasPassword;
}

async function link(session: Session, provider: string): Promise<void> {
  const reply = await session.ask<{ location: string }>("POST", `/auth/oauth/${provider}/link`, {
    returnTo: "/account",
  });
  if (tell(reply) && reply.ok) location.assign(reply.body.location);
}
