/** The form for those who are signed out: it signs in, or creates an account. */
import { element, find, onClick, onSubmit, tell } from "../page.ts";
import type { Session } from "../session.ts";

export interface Provider {
  readonly id: string;
  readonly name: string;
}

const PASSWORD_LENGTH_MIN = 8;
/** As the service has it: what it would refuse need not be sent. */
const USERNAME_PATTERN = "[A-Za-z0-9][A-Za-z0-9._\\-]{2,31}";

export function offerSignIn(session: Session): void {
  const form = find<HTMLFormElement>("enter");
  let isNew = false;

  onClick(find("switch"), async () => {
    isNew = !isNew;
    showForm(form, isNew);
  });
  onSubmit(form, async ({ username = "", password = "" }) => {
    const reply = await (isNew ? session.register(username, password) : session.signIn(username, password));
    if (!tell(reply)) return;
    form.reset();
    isNew = false;
    showForm(form, isNew);
  });
}

export function offerProviders(providers: readonly Provider[]): void {
  find("providers").hidden = providers.length === 0;
  find("providers")
    .querySelector("nav")
    ?.replaceChildren(
      ...providers.map(({ id, name }) =>
        element("a", { href: `/auth/oauth/${id}/start?returnTo=/account` }, `Sign in with ${name}`),
      ),
    );
}

function showForm(form: HTMLFormElement, isNew: boolean): void {
  const verb = isNew ? "Create account" : "Sign in";
  find("enter-heading").textContent = isNew ? "Create an account" : verb;
  find("enter-submit").textContent = verb;
  find("switch-question").textContent = isNew ? "Have an account?" : "New here?";
  find("switch").textContent = isNew ? "Sign in" : "Create an account";
  find("password-rule").hidden = !isNew;
  const [username, password] = ["username", "password"].map(
    (name) => form.elements.namedItem(name) as HTMLInputElement,
  );
  if (username === undefined || password === undefined) return;
  username.pattern = isNew ? USERNAME_PATTERN : ".*";
  username.title = isNew ? "3 to 32 letters, digits, dots, dashes and underscores" : "";
  password.minLength = isNew ? PASSWORD_LENGTH_MIN : 0;
  // Password managers offer a new one, or the one that they have.
  password.autocomplete = isNew ? "new-password" : "current-password";
  username.focus();
}
