import { title } from "../model/aircraft.ts";
import type { Cry } from "../model/cries.ts";
import { clock } from "../model/time.ts";
import { h, icon } from "./dom.ts";

/** So many are shown until somebody wants to see all. */
const FEW = 3;

/** Those who squawk an emergency: each with the time at which it began, and a way to it. */
export class Cries {
  readonly element = h("ul", { class: "cries", "aria-label": "Emergencies", "aria-live": "assertive" });
  private shown = "";
  private isExpanded = false;
  private cries: readonly Cry[] = [];

  constructor(private readonly onChoose: (cry: Cry) => void) {
    this.element.hidden = true;
  }

  update(cries: readonly Cry[]): void {
    const now = cries
      .map(({ icao24, squawk, since, state }) => `${icao24} ${squawk} ${clock(since)} ${title(state)}`)
      .join();
    if (now === this.shown) return;
    this.shown = now;
    this.cries = cries;
    this.element.hidden = cries.length === 0;
    this.element.replaceChildren(
      ...cries.slice(0, this.isExpanded ? cries.length : FEW).map((cry) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              click: () => {
                this.onChoose(cry);
              },
            },
            icon("alert"),
            h("strong", {}, title(cry.state)),
            ` ${cry.squawk} ${cry.meaning}`,
            h("time", {}, ` since ${clock(cry.since)}`),
          ),
        ),
      ),
      ...(cries.length > FEW ? [h("li", {}, this.more(cries.length - FEW))] : []),
    );
  }

  private more(count: number): HTMLElement {
    const toggle = (): void => {
      this.isExpanded = !this.isExpanded;
      this.shown = "";
      this.update(this.cries);
      this.element.querySelector<HTMLElement>(".more")?.focus();
    };
    return h(
      "button",
      { type: "button", class: "more", "aria-expanded": String(this.isExpanded), click: toggle },
      this.isExpanded ? "Show fewer" : `and ${count} more`,
    );
  }
}
