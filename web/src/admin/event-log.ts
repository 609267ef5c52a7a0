import { sentence, weight } from "../model/engine.ts";
import type { LogEntry } from "../model/engine.ts";
import { clock } from "../model/time.ts";
import { h } from "../page/dom.ts";
import { titleOf } from "./actor-card.ts";

/** As many as the server keeps. */
const LENGTH = 500;

/** What changed, newest first. */
export class EventLog {
  private readonly rows = h("ol");
  readonly element = h(
    "section",
    { class: "events" },
    h("h2", {}, "Events"),
    h("div", { class: "log", role: "log", "aria-label": "Events", tabindex: "0" }, this.rows),
  );

  add(entry: LogEntry): void {
    this.rows.prepend(
      h(
        "li",
        { "data-weight": weight(entry) },
        h("time", { datetime: new Date(entry.at * 1000).toISOString() }, clock(entry.at)),
        h("strong", {}, entry.actor === null ? "Process" : titleOf(entry.actor)),
        h("span", {}, sentence(entry)),
      ),
    );
    while (this.rows.childElementCount > LENGTH) this.rows.lastElementChild?.remove();
  }
}
