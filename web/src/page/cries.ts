import { emergency, title } from "../model/aircraft.ts";
import { clock } from "../model/units.ts";
import type { StateVector } from "../stream/index.ts";
import { h, icon } from "./dom.ts";

/** Those who squawk an emergency: each with the time at which it was seen first, and a way to it. */
export class Cries {
  readonly element = h("ul", { class: "cries", "aria-label": "Emergencies", "aria-live": "assertive" });
  private readonly since = new Map<string, number>();
  private shown = "";

  constructor(private readonly onChoose: (state: StateVector) => void) {
    this.element.hidden = true;
  }

  update(states: readonly StateVector[]): void {
    const cries = states.filter((state) => emergency(state) !== undefined);
    const key = ({ icao24, squawk }: StateVector): string => `${icao24} ${squawk ?? ""}`;
    const keys = new Set(cries.map(key));
    for (const old of this.since.keys()) if (!keys.has(old)) this.since.delete(old);
    for (const state of cries) if (!this.since.has(key(state))) this.since.set(key(state), state.last_contact);
    cries.sort((a, b) => (this.since.get(key(b)) ?? 0) - (this.since.get(key(a)) ?? 0));
    const now = cries.map((state) => `${key(state)} ${title(state)}`).join();
    if (now === this.shown) return;
    this.shown = now;
    this.element.hidden = cries.length === 0;
    this.element.replaceChildren(
      ...cries.slice(0, 3).map((state) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              click: () => {
                this.onChoose(state);
              },
            },
            icon("alert"),
            h("strong", {}, title(state)),
            ` ${state.squawk ?? ""} ${emergency(state) ?? ""}`,
            h("time", {}, ` since ${clock(this.since.get(key(state)) ?? 0)}`),
          ),
        ),
      ),
      ...(cries.length > 3 ? [h("li", { class: "more" }, `and ${cries.length - 3} more, first in the list`)] : []),
    );
  }
}
