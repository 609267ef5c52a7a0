import { listAt, liveList } from "../model/alert-list.ts";
import type { AlertList } from "../model/alert-list.ts";
import { shortClock } from "../model/time.ts";
import { closeButton, h, setText, show } from "../ui/dom.ts";
import type { AlertFeed } from "./alert-feed.ts";
import { AlertHistory } from "./alert-history.ts";
import { AlertItems } from "./alert-items.ts";
import { announcementSettings } from "./announcement-settings.ts";
import type { Chime } from "./chime.ts";
import { openPanel, shownTime } from "./state.ts";
import type { PageStore } from "./state.ts";
import type { Traffic } from "./traffic.ts";

import "./panel.css";
import "./alerts-panel.css";

/** The alerts at the time that is shown: active ones, then those that have ended. */
export class AlertsPanel {
  private readonly summary = h("p", { class: "subtitle", role: "status" });
  private readonly active: AlertItems;
  private readonly ended: AlertItems;
  private readonly endedTitle = h("h3", { id: "ended-alerts-title" });
  private readonly note = h("p", { class: "note", role: "status" });
  private readonly more: HTMLButtonElement;
  private readonly history = new AlertHistory(() => {
    this.update();
  });
  private isOpen = false;
  /** How many alerts had ended before. */
  private gone = 0;
  readonly element: HTMLElement;

  constructor(
    private readonly store: PageStore,
    private readonly feed: AlertFeed,
    traffic: Traffic,
    chime: Chime,
  ) {
    this.active = new AlertItems(store, traffic, "active-alerts-title");
    this.ended = new AlertItems(store, traffic, "ended-alerts-title");
    const readMore = (): void => void this.history.readMore(this.store.state.player?.at);
    this.more = h("button", { type: "button", class: "button", click: readMore }, "Show older alerts");
    this.element = h(
      "section",
      { class: "panel alerts", "aria-labelledby": "alerts-title" },
      h(
        "header",
        {},
        h("div", {}, h("h2", { id: "alerts-title" }, "Alerts"), this.summary),
        closeButton("Close the alerts", () => {
          openPanel(store, undefined);
        }),
      ),
      h("h3", { id: "active-alerts-title" }, "Active"),
      this.active.element,
      this.endedTitle,
      this.ended.element,
      this.note,
      this.more,
      announcementSettings(store, chime),
    );
    this.element.hidden = true;
    store.on(["panel"], ({ panel }) => {
      const isOpen = panel === "alerts";
      if (isOpen === this.isOpen) return;
      this.isOpen = isOpen;
      this.restart();
    });
    store.on(["jumps", "isHidden"], () => {
      this.restart();
    });
    store.on(["traffic", "step", "settings"], () => {
      this.update();
    });
    store.on(["traffic"], ({ player }) => {
      const { gone } = this.feed;
      if (gone.length > this.gone && player === undefined) this.history.refreshSoon();
      this.gone = gone.length;
    });
  }

  private restart(): void {
    const { isHidden, player } = this.store.state;
    if (this.isOpen && !isHidden) this.history.start(player?.at);
    else this.history.stop();
  }

  private list(): AlertList {
    const { traffic, player } = this.store.state;
    const active = traffic.isLoaded ? traffic.alerts : undefined;
    const sources = { active, stored: this.history.alerts, gone: this.feed.gone };
    return player === undefined ? liveList(sources) : listAt(player.at, sources);
  }

  private update(): void {
    if (!this.isOpen) return;
    const { player } = this.store.state;
    const { active, ended } = this.list();
    const { state } = this.history;
    const canReplay = state !== "absent";
    this.active.show(active, { canReplay, isActive: true });
    this.ended.show(ended, { canReplay, isActive: false });
    const at = player === undefined ? "" : ` at ${shortClock(shownTime(this.store.state))}`;
    setText(this.summary, `${active.length === 0 ? "None" : active.length.toLocaleString("en")} active${at}`);
    const since = player === undefined ? "last 24 hours" : "previous 24 hours";
    setText(this.endedTitle, state === "absent" ? "Ended since this page was opened" : `Ended, ${since}`);
    setText(this.note, this.noteText(ended.length === 0));
    show(this.more, this.history.hasMore);
  }

  private noteText(isEmpty: boolean): string {
    switch (this.history.state) {
      case "loading":
        return "Loading …";
      case "absent":
        return "This server keeps no history; alerts that ended earlier are not listed.";
      case "unavailable":
        return "Stored alerts are temporarily unavailable; retrying …";
      case "shown":
        return isEmpty ? "No alerts have ended." : "";
    }
  }
}
