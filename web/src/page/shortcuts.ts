import { h, icon } from "./dom.ts";

const KEYS: readonly (readonly [string, string])[] = [
  ["/", "Search"],
  ["L", "List"],
  ["F", "Filters"],
  ["S", "Statistics"],
  ["R", "Replay on or off"],
  ["Esc", "Close what lies on top"],
  ["?", "Keyboard shortcuts"],
  ["↑ ↓ Enter", "In the list: move, select"],
  ["Arrows + −", "On the map: move, zoom"],
];

/** The keyboard's shortcuts, as a dialog. */
export class Shortcuts {
  readonly element = h(
    "dialog",
    { class: "shortcuts", "aria-labelledby": "shortcuts-title" },
    h(
      "header",
      {},
      h("h2", { id: "shortcuts-title" }, "Keyboard shortcuts"),
      h(
        "button",
        {
          type: "button",
          class: "plain-button",
          "aria-label": "Close the shortcuts",
          click: () => {
            this.element.close();
          },
        },
        icon("close"),
      ),
    ),
    h("dl", {}, ...KEYS.map(([key, what]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)))),
    h("p", { class: "note" }, "Single keys can be turned off in the settings."),
  );

  get isOpen(): boolean {
    return this.element.open;
  }

  /** The browser returns the focus when it is closed. */
  open(): void {
    if (!this.isOpen) this.element.showModal();
  }
}
