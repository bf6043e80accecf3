/** What all pages do with their elements. Texts become text nodes only, never markup. */
import type { Problem, Reply } from "./session.ts";

/** An element of the page's own HTML. */
export function find<E extends HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as E;
}

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]>,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export function button(name: string, work: () => Promise<void>): HTMLButtonElement {
  const made = element("button", { type: "button" }, name);
  onClick(made, work);
  return made;
}

export function onClick(clicked: HTMLButtonElement, work: () => Promise<void>): void {
  clicked.addEventListener("click", () => void whileBusy(clicked, work));
}

/** The form's fields by their names, when it is sent. */
export function onSubmit(
  form: HTMLFormElement,
  work: (fields: Record<string, string>) => Promise<void>,
): void {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(form)) as Record<string, string>;
    void whileBusy(form.querySelector("button"), () => work(fields));
  });
}

/** No second click before the first is answered. */
async function whileBusy(clicked: HTMLButtonElement | null, work: () => Promise<void>): Promise<void> {
  if (clicked !== null) clicked.disabled = true;
  try {
    await work();
  } finally {
    if (clicked !== null) clicked.disabled = false;
  }
}

/** Says what went wrong, or that all is well; true when it is. */
export function tell(reply: Reply<unknown>, done?: string): boolean {
  tellProblem(reply.ok ? undefined : reply.problem);
  find("notice").hidden = !reply.ok || done === undefined;
  find("notice").textContent = reply.ok ? (done ?? "") : "";
  return reply.ok;
}

export function tellProblem(problem: Problem | undefined): void {
  find("problem").hidden = problem === undefined;
  find("problem").textContent = problem?.title ?? "";
}
