/** Where somebody is signed in, and a way to end it. */
import { button, element, find, onClick, tell } from "../page.ts";
import type { Session } from "../session.ts";

interface Listed {
  readonly sessions: readonly {
    readonly id: string;
    readonly device: string;
    readonly address: string;
    readonly country: string;
    readonly lastUsedAt: string;
    readonly current: boolean;
  }[];
}

/** What the service says when it knows no country. */
const NO_COUNTRY = "ZZ";

/** Returns what shows them anew. */
export function manageSessions(session: Session): () => Promise<void> {
  const countries = new Intl.DisplayNames(undefined, { type: "region", fallback: "code" });
  const times = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

  const show = async () => {
    const reply = await session.ask<Listed>("GET", "/auth/sessions");
    if (!reply.ok) return;
    const { sessions } = reply.body;
    find("end-others").hidden = sessions.length < 2;
    find("sessions").replaceChildren(
      ...sessions.map(({ id, device, address, country, lastUsedAt, current }) => {
        const place = country === NO_COUNTRY ? address : `${address}, ${countries.of(country) ?? country}`;
        const when = current ? "this browser" : times.format(new Date(lastUsedAt));
        const what = element(
          "span",
          {},
          device === "" ? "Unknown device" : device,
          element("small", {}, `${place} · ${when}`),
        );
        const row = element("li", {}, what);
        if (!current) row.append(button("End", () => end(`/auth/sessions/${id}`)));
        return row;
      }),
    );
  };

  const end = async (path: string) => {
    tell(await session.ask("DELETE", path), "Signed out there");
    await show();
  };

  onClick(find("end-others"), () => end("/auth/sessions"));
  return show;
}
