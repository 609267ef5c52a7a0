import { h, setText } from "../page/dom.ts";

const KEY = "flight-monitor.admin-token";

/** The token that was given in this tab. */
export function keptToken(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    // A browser that keeps nothing is asked again after a reload.
    return undefined;
  }
}

/** Keeps the token for as long as the tab is open, or forgets it. */
export function keepToken(token: string | undefined): void {
  try {
    if (token === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, token);
  } catch {
    // It holds until the page is closed.
  }
}

/** Asks for the operator's token. */
export class SignIn {
  private readonly token = h("input", {
    type: "password",
    id: "token",
    autocomplete: "current-password",
    required: true,
    "aria-describedby": "token-note",
  });
  private readonly problem = h("p", { class: "error", role: "alert" });
  readonly element = h(
    "form",
    {
      class: "sign-in",
      submit: (event) => {
        event.preventDefault();
        const token = this.token.value.trim();
        if (token !== "") this.onToken(token);
      },
    },
    h("h2", {}, "For this server's operator"),
    h("label", { for: "token" }, "Admin token"),
    this.token,
    h(
      "p",
      { class: "note", id: "token-note" },
      "It is ",
      h("code", {}, "admin.token"),
      " of the configuration; where none was set, the server wrote one into ",
      h("code", {}, "data/admin.token"),
      ". This tab keeps it until it is closed.",
    ),
    this.problem,
    h("button", { type: "submit", class: "button primary" }, "Enter"),
  );

  constructor(private readonly onToken: (token: string) => void) {}

  /** Asks, and says why it does so again. */
  show(problem = ""): void {
    this.element.hidden = false;
    setText(this.problem, problem);
    this.token.value = "";
    this.token.focus();
  }
}
