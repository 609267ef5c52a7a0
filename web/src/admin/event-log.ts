import type { JournalEntry } from "../api/types.ts";
import { clock } from "../model/time.ts";
import { h } from "../ui/dom.ts";
import { titleOf } from "./parts.ts";
import { sentence, weight } from "./vitals.ts";

import "./event-log.css";

/** The number of entries that the server keeps. */
const LENGTH = 500;

/** The log of events, newest first. */
export class EventLog {
  private readonly rows = h("ol");
  readonly element = h(
    "section",
    { class: "events" },
    h("h2", {}, "Events"),
    h("div", { class: "log", role: "log", "aria-label": "Events", tabindex: "0" }, this.rows),
  );

  add(entry: JournalEntry): void {
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
