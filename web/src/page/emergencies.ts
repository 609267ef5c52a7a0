import { findAircraft } from "../api/flights.ts";
import { title } from "../model/aircraft.ts";
import { emergencyText } from "../model/emergencies.ts";
import type { Emergency } from "../model/emergencies.ts";
import { clock } from "../model/time.ts";
import { h, icon } from "../ui/dom.ts";
import { goTo } from "./state.ts";
import type { PageStore } from "./state.ts";

import "./emergencies.css";

/** How many are shown unless expanded. */
const MAX_COLLAPSED = 3;

/** The list of emergencies: when each began, and a way to it. */
export class EmergencyList {
  readonly element = h("ul", { class: "emergencies", "aria-label": "Emergencies", "aria-live": "assertive" });
  private rendered = "";
  private isExpanded = false;

  constructor(private readonly store: PageStore) {
    this.element.hidden = true;
    store.on(["emergencies", "settings"], () => {
      this.update();
    });
  }

  private update(): void {
    const emergencies = [...this.store.state.emergencies.values()];
    const texts = emergencies.map(
      (each) => `${each.icao24} ${emergencyText(each)} ${clock(each.since)} ${title(each.state)}`,
    );
    if (texts.join() === this.rendered) return;
    this.rendered = texts.join();
    this.element.hidden = emergencies.length === 0;
    const others = emergencies.length - MAX_COLLAPSED;
    this.element.replaceChildren(
      ...emergencies
        .slice(0, this.isExpanded ? emergencies.length : MAX_COLLAPSED)
        .map((each) => h("li", {}, this.item(each))),
      ...(others > 0 ? [h("li", {}, this.more(others))] : []),
    );
  }

  private item(emergency: Emergency): HTMLElement {
    return h(
      "button",
      { type: "button", click: () => void this.show(emergency) },
      icon("alert"),
      h("strong", {}, title(emergency.state)),
      ` ${emergencyText(emergency)}`,
      h("time", {}, ` since ${clock(emergency.since)}`),
    );
  }

  /** Selects an aircraft that may be outside the loaded area. */
  private async show({ icao24, state }: Emergency): Promise<void> {
    const held = this.store.state.traffic.held.find((each) => each.icao24 === icao24);
    goTo(this.store, held ?? (await findAircraft(icao24).catch(() => undefined)) ?? state);
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
