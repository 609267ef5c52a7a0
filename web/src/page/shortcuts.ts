import { closeButton, h } from "../ui/dom.ts";

import "./shortcuts.css";

const KEYS: readonly (readonly [string, string])[] = [
  ["/", "Search"],
  ["L", "List"],
  ["F", "Filters"],
  ["S", "Statistics"],
  ["A", "Alerts"],
  ["R", "Replay on or off"],
  ["Esc", "Close the topmost panel"],
  ["?", "Keyboard shortcuts"],
  ["↑ ↓ Enter", "In the list: move, select"],
  ["Arrows + −", "On the map: move, zoom"],
];

/** A dialog that lists the keyboard shortcuts. */
export class ShortcutsDialog {
  readonly element = h(
    "dialog",
    { class: "shortcuts", "aria-labelledby": "shortcuts-title" },
    h(
      "header",
      {},
      h("h2", { id: "shortcuts-title" }, "Keyboard shortcuts"),
      closeButton("Close the shortcuts", () => {
        this.element.close();
      }),
    ),
    h("dl", {}, ...KEYS.map(([key, what]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)))),
    h("p", { class: "note" }, "Single keys can be turned off in the settings."),
  );

  get isOpen(): boolean {
    return this.element.open;
  }

  /** The browser returns the focus when the dialog closes. */
  open(): void {
    if (!this.isOpen) this.element.showModal();
  }
}
