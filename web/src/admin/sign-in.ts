import { h, setText } from "../ui/dom.ts";

import "./sign-in.css";

const KEY = "flight-monitor.admin-token";

/** The token that was entered in this tab. */
export function storedToken(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    // Without storage the user signs in again after a reload.
    return undefined;
  }
}

/** Stores the token until the tab is closed; `undefined` removes it. */
export function storeToken(token: string | undefined): void {
  try {
    if (token === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, token);
  } catch {
    // It applies until the page is closed.
  }
}

/** The form that asks for the operator's token. */
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
    h("h2", {}, "Operator sign-in"),
    h("label", { for: "token" }, "Admin token"),
    this.token,
    h(
      "p",
      { class: "note", id: "token-note" },
      "Use ",
      h("code", {}, "admin.token"),
      " from the configuration; if none is set, the server generated one in ",
      h("code", {}, "data/admin.token"),
      ". It is kept until you close this tab.",
    ),
    this.problem,
    h("button", { type: "submit", class: "button primary" }, "Sign in"),
  );

  constructor(private readonly onToken: (token: string) => void) {}

  /** Shows the empty form, with the reason for another attempt. */
  show(problem = ""): void {
    this.element.hidden = false;
    setText(this.problem, problem);
    this.token.value = "";
    this.token.focus();
  }
}
