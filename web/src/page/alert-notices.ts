import { title } from "../model/aircraft.ts";
import { alertKey, alertText, isEmergency } from "../model/alerts.ts";
import { clock } from "../model/time.ts";
import type { Alert } from "../stream/index.ts";
import { h, icon } from "../ui/dom.ts";
import { showAircraftOf } from "./show-alert.ts";
import type { PageStore } from "./state.ts";

import "./alert-notices.css";

/** How many are shown unless expanded. */
const MAX_COLLAPSED = 3;

/** The active alerts over the map: when each began, and a way to its aircraft. */
export class AlertNotices {
  readonly element = h("ul", { class: "alert-notices", "aria-label": "Active alerts", "aria-live": "polite" });
  private rendered = "";
  private isExpanded = false;

  constructor(private readonly store: PageStore) {
    this.element.hidden = true;
    store.on(["alerts", "settings"], () => {
      this.update();
    });
  }

  private update(): void {
    const alerts = [...this.store.state.alerts.values()].flat();
    const texts = alerts.map(
      (each) => `${alertKey(each)} ${alertText(each)} ${clock(each.since)} ${title(each.state)}`,
    );
    if (texts.join() === this.rendered) return;
    this.rendered = texts.join();
    this.element.hidden = alerts.length === 0;
    // A screen reader interrupts its reading for emergencies only.
    this.element.setAttribute("aria-live", alerts.some(isEmergency) ? "assertive" : "polite");
    const others = alerts.length - MAX_COLLAPSED;
    this.element.replaceChildren(
      ...alerts.slice(0, this.isExpanded ? alerts.length : MAX_COLLAPSED).map((each) => h("li", {}, this.item(each))),
      ...(others > 0 ? [h("li", {}, this.more(others))] : []),
    );
  }

  private item(alert: Alert): HTMLElement {
    return h(
      "button",
      {
        type: "button",
        class: isEmergency(alert) ? "emergency" : undefined,
        click: () => void showAircraftOf(this.store, alert),
      },
      icon("alert"),
      h("strong", {}, title(alert.state)),
      ` ${alertText(alert)}`,
      h("time", {}, ` since ${clock(alert.since)}`),
    );
  }

  private more(count: number): HTMLElement {
    const toggle = (): void => {
      this.isExpanded = !this.isExpanded;
      this.rendered = "";
      this.update();
      this.element.querySelector<HTMLElement>(".more")?.focus();
    };
    return h(
      "button",
      { type: "button", class: "more", "aria-expanded": String(this.isExpanded), click: toggle },
      this.isExpanded ? "Show fewer" : `and ${count} more`,
    );
  }
}
