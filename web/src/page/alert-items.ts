import { title } from "../model/aircraft.ts";
import { alertKey, alertText, isEmergency } from "../model/alerts.ts";
import { clock, period } from "../model/time.ts";
import type { Alert } from "../stream/index.ts";
import { h, icon, setText, show } from "../ui/dom.ts";
import { showAircraftOf } from "./show-alert.ts";
import type { PageStore } from "./state.ts";
import type { Traffic } from "./traffic.ts";

/** How the alerts of a list are shown. */
export interface ItemOptions {
  /** Whether the server may have recorded the traffic. */
  readonly canReplay: boolean;
  readonly isActive: boolean;
}

/** The parts of an item that change. */
interface Item {
  readonly element: HTMLElement;
  readonly name: HTMLElement;
  readonly text: HTMLElement;
  readonly time: HTMLElement;
  readonly rule: HTMLElement;
  readonly replay: HTMLElement;
  alert: Alert;
}

/** A list of alerts. An alert keeps its element, and thereby the keyboard focus, while others come and go. */
export class AlertItems {
  readonly element: HTMLElement;
  private items = new Map<string, Item>();

  constructor(
    private readonly store: PageStore,
    private readonly traffic: Traffic,
    title: string,
  ) {
    this.element = h("ul", { class: "alert-items", "aria-labelledby": title });
  }

  show(alerts: readonly Alert[], options: ItemOptions): void {
    const items = new Map(
      alerts.map((alert) => {
        const key = alertKey(alert);
        return [key, this.items.get(key) ?? this.item(alert)] as const;
      }),
    );
    for (const [key, { element }] of this.items) if (!items.has(key)) element.remove();
    this.items = items;
    alerts.forEach((alert, index) => {
      const item = items.get(alertKey(alert));
      if (item === undefined) return;
      fill(item, alert, options);
      const after = this.element.children[index];
      if (after !== item.element) this.element.insertBefore(item.element, after ?? null);
    });
    show(this.element, alerts.length > 0);
  }

  private item(alert: Alert): Item {
    const [name, text, time, rule] = [h("strong"), h("span"), h("span"), h("span", { class: "rule" })];
    const replay = h(
      "button",
      {
        type: "button",
        class: "button small",
        click: () => {
          this.replayFrom(item.alert);
        },
      },
      icon("replay"),
      h("span", {}, "Replay", h("span", { class: "wide" }, " from here")),
    );
    const open = h(
      "button",
      { type: "button", class: "alert-link", click: () => void showAircraftOf(this.store, item.alert) },
      name,
      " ",
      text,
    );
    const element = h(
      "li",
      { class: isEmergency(alert) ? "emergency" : undefined },
      open,
      h("p", { class: "note" }, time, " · ", rule),
      replay,
    );
    const item: Item = { element, name, text, time, rule, replay, alert };
    return item;
  }

  /** Shows the aircraft where the alert began, at that time. */
  private replayFrom({ icao24, since, state }: Alert): void {
    this.traffic.follow({ at: since });
    this.store.set({ selected: icao24, following: false, front: "details", target: { icao24, state, zoom: 6 } });
  }
}

function fill(item: Item, alert: Alert, { canReplay, isActive }: ItemOptions): void {
  item.alert = alert;
  setText(item.name, title(alert.state));
  setText(item.text, alertText(alert));
  setText(item.time, times(alert, isActive));
  setText(item.rule, alert.rule);
  item.replay.setAttribute("aria-label", `Replay from here: ${title(alert.state)}, ${clock(alert.since)}`);
  show(item.replay, canReplay);
}

function times({ since, ended }: Alert, isActive: boolean): string {
  if (isActive) return `since ${clock(since)}`;
  return ended === null ? `from ${clock(since)}, end unknown` : period(since, ended);
}
