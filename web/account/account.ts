/** Sign-in, and what somebody who is signed in can do with their account. */
import { find, onClick, tell, tellProblem } from "../page.ts";
import { keepSession, type Person, type Problem } from "../session.ts";
import { manageSessions } from "./sessions.ts";
import { offerProviders, offerSignIn, type Provider } from "./sign-in.ts";
import { manageWays } from "./ways-to-sign-in.ts";

const session = keepSession((person) => void show(person));
let providers: readonly Provider[] = [];
let shown: number | undefined;

offerSignIn(session);
const showSessions = manageSessions(session);
const showWays = manageWays(session, () => providers, showSessions);
onClick(find("sign-out"), async () => void tell(await session.signOut()));

tellFromAddress();
addEventListener("hashchange", tellFromAddress);
void start();

async function start(): Promise<void> {
  const listed = await session.ask<{ providers: Provider[] }>("GET", "/auth/providers");
  if (listed.ok) providers = listed.body.providers;
  offerProviders(providers);
  await session.look();
}

async function show(person: Person | undefined): Promise<void> {
  const isAnother = shown !== person?.id;
  shown = person?.id;
  find("waiting").hidden = true;
  find("signed-out").hidden = person !== undefined;
  find("signed-in").hidden = person === undefined;
  find("who").hidden = person === undefined;
  find("username").textContent = person?.username ?? "";
  // What was somebody else's is not seen for the moment until the answers are here.
  if (isAnother) for (const list of ["ways", "sessions"]) find(list).replaceChildren();
  if (person !== undefined) await Promise.all([showWays(), showSessions()]);
}

/** What went wrong at a provider stands in the address, from which it is taken so that a reload is a new beginning. */
function tellFromAddress(): void {
  const code = new URLSearchParams(location.hash.slice(1)).get("problem");
  if (code === null) return;
  history.replaceState(null, "", location.pathname);
  void titleOf(code).then((title) => tellProblem({ code, title }));
}

/** The service's own words: nobody else's text is shown, whoever made the address. */
async function titleOf(code: string): Promise<string> {
  const reply = await session.ask<{ errors: Problem[] }>("GET", "/errors");
  const known = reply.ok ? reply.body.errors.find((one) => one.code === code) : undefined;
  return known?.title ?? "The sign-in did not succeed";
}
