import { h, setText } from "../ui/dom.ts";

import "./confirm.css";

/** Asks for a confirmation before an action that affects users. */
export class Confirm {
  private readonly title = h("h2", { id: "confirm-title" });
  private readonly text = h("p");
  private readonly problem = h("p", { class: "error", role: "alert" });
  private readonly act = h("button", { type: "button", class: "button danger", click: () => void this.run() });
  readonly element = h(
    "dialog",
    { class: "confirm", "aria-labelledby": "confirm-title" },
    this.title,
    this.text,
    this.problem,
    h(
      "div",
      { class: "actions" },
      h(
        "button",
        {
          type: "button",
          class: "button",
          click: () => {
            this.element.close();
          },
        },
        "Cancel",
      ),
      this.act,
    ),
  );
  private action: () => Promise<void> = () => Promise.resolve();

  /** @param action runs when confirmed; the message of its error is shown */
  ask(title: string, text: string, verb: string, action: () => Promise<void>): void {
    setText(this.title, title);
    setText(this.text, text);
    setText(this.problem, "");
    setText(this.act, verb);
    this.act.disabled = false;
    this.action = action;
    this.element.showModal();
  }

  private async run(): Promise<void> {
    this.act.disabled = true;
    try {
      await this.action();
      this.element.close();
    } catch (error) {
      setText(this.problem, error instanceof Error ? error.message : String(error));
    }
    this.act.disabled = false;
  }
}
