import { OLD_POSITION } from "../model/aircraft.ts";
import { altitudeColour, css, GROUND, LEGEND_END } from "../model/colours.ts";
import { isMilitary } from "../model/facts.ts";
import { span, unitName } from "../model/units.ts";
import type { UnitSystem } from "../model/units.ts";
import { h, show } from "../ui/dom.ts";
import type { PageStore } from "./state.ts";

import "./legend.css";

/** The colours of altitudes. */
export class Legend {
  private readonly scale = h("canvas", { width: "150", height: "1", "aria-hidden": "true" });
  private readonly marks = h("div", { class: "marks" });
  private readonly unit = h("span");
  /** Shown where an aircraft of the traffic is on record as military. */
  private readonly military = h(
    "p",
    { class: "ground" },
    h("span", { class: "swatch diamond", "aria-hidden": "true" }),
    "Military",
  );
  readonly element = h(
    "aside",
    { class: "legend", "aria-label": "Legend" },
    h("p", {}, "Altitude, ", this.unit),
    this.scale,
    this.marks,
    h("p", { class: "ground" }, this.swatch(), "On ground"),
    h(
      "p",
      { class: "ground" },
      h("span", { class: "swatch dashes", "aria-hidden": "true" }),
      `Position over ${span(OLD_POSITION)} old`,
    ),
    this.military,
  );

  constructor(store: PageStore) {
    const context = this.scale.getContext("2d");
    for (let x = 0; x < 150 && context !== null; x += 1) {
      context.fillStyle = css(altitudeColour((x / 149) * LEGEND_END, false));
      context.fillRect(x, 0, 1, 1);
    }
    const update = (): void => {
      this.setUnits(store.state.settings.units);
    };
    store.on(["settings"], update);
    show(this.military, false);
    store.on(["facts"], ({ facts }) => {
      show(this.military, [...facts.known.values()].some(isMilitary));
    });
    update();
  }

  private setUnits(units: UnitSystem): void {
    this.unit.textContent = unitName("altitude", units);
    const thousands = units === "metric" ? [0, 3, 6, 9, 12, 15] : [0, 10, 20, 30, 40, 50];
    const metres = units === "metric" ? 1_000 : 304.8;
    this.marks.replaceChildren(
      ...thousands.map((mark) => {
        const label = h("span", {}, mark === 0 ? "0" : `${mark}k`);
        label.style.left = `${((mark * metres) / LEGEND_END) * 100}%`;
        return label;
      }),
    );
  }

  private swatch(): HTMLElement {
    const swatch = h("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.background = css(GROUND);
    return swatch;
  }
}
