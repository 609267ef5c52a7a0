import { categoryName } from "../model/aircraft.ts";
import type { Filter } from "../model/filter.ts";
import { isOpen } from "../model/filter.ts";
import { fromUnit, inUnit, unitName } from "../model/units.ts";
import type { UnitSystem } from "../model/units.ts";
import { h, icon, setText } from "./dom.ts";

/** What somebody does with the filter. */
export interface FilterEvents {
  readonly onChange: (filter: Filter) => void;
  readonly onClose: () => void;
}

/** Which aircraft to show. */
export class Filters {
  private filter: Filter = {};
  private units: UnitSystem = "aeronautical";
  private readonly number = (name: string): HTMLInputElement =>
    h("input", {
      type: "number",
      min: "0",
      step: "any",
      inputmode: "numeric",
      "aria-label": name,
      placeholder: "any",
      input: this.changed,
    });
  private readonly changed = (): void => {
    this.filter = this.read();
    this.events.onChange(this.filter);
  };
  private readonly lowest = this.number("Lowest altitude");
  private readonly highest = this.number("Highest altitude");
  private readonly slowest = this.number("Lowest speed");
  private readonly fastest = this.number("Highest speed");
  private readonly country = h("select", { change: this.changed }, h("option", { value: "" }, "Any country"));
  private readonly category = h(
    "select",
    { change: this.changed },
    h("option", { value: "" }, "Any category"),
    ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20].map((code) =>
      h("option", { value: String(code) }, categoryName(code)),
    ),
  );
  private readonly ground = h(
    "select",
    { change: this.changed },
    h("option", { value: "" }, "In the air and on the ground"),
    h("option", { value: "air" }, "In the air"),
    h("option", { value: "ground" }, "On the ground"),
  );
  private readonly squawk = h("input", {
    type: "text",
    inputmode: "numeric",
    maxlength: "4",
    pattern: "[0-7]*",
    placeholder: "any, such as 7700",
    input: this.changed,
  });
  private readonly emergencies = h("input", { type: "checkbox", change: this.changed });
  private readonly altitudeUnit = h("legend");
  private readonly speedUnit = h("legend");
  private countries = "";
  readonly element: HTMLElement;

  constructor(private readonly events: FilterEvents) {
    const to = (): HTMLElement => h("span", { "aria-hidden": "true" }, "to");
    this.element = h(
      "section",
      { class: "panel filters", "aria-labelledby": "filters-title" },
      h(
        "header",
        {},
        h("h2", { id: "filters-title" }, "Filter"),
        h(
          "button",
          {
            type: "button",
            class: "plain-button",
            "aria-label": "Close the filter",
            click: () => {
              this.events.onClose();
            },
          },
          icon("close"),
        ),
      ),
      h(
        "form",
        {
          submit: (event) => {
            event.preventDefault();
          },
        },
        h("fieldset", {}, this.altitudeUnit, h("div", { class: "range" }, this.lowest, to(), this.highest)),
        h("fieldset", {}, this.speedUnit, h("div", { class: "range" }, this.slowest, to(), this.fastest)),
        h("label", {}, "Country", this.country),
        h("label", {}, "Category", this.category),
        h("label", {}, "Where", this.ground),
        h("label", {}, "Squawk", this.squawk),
        h("label", { class: "check" }, this.emergencies, "Only emergencies (7500, 7600, 7700)"),
        h(
          "button",
          {
            type: "button",
            class: "button",
            click: () => {
              this.clear();
            },
          },
          "Show everything",
        ),
      ),
    );
    this.element.hidden = true;
    this.setUnits("aeronautical");
  }

  get isOpen(): boolean {
    return isOpen(this.filter);
  }

  /** Shows the figures of the filter in these units. */
  setUnits(units: UnitSystem): void {
    this.units = units;
    setText(this.altitudeUnit, `Altitude, ${unitName("altitude", units)}`);
    setText(this.speedUnit, `Speed, ${unitName("speed", units)}`);
    const { lowest, highest, slowest, fastest } = this.filter;
    for (const [input, value, quantity] of [
      [this.lowest, lowest, "altitude"],
      [this.highest, highest, "altitude"],
      [this.slowest, slowest, "speed"],
      [this.fastest, fastest, "speed"],
    ] as const) {
      input.value = value === undefined ? "" : String(Math.round(inUnit(value, quantity, units)));
    }
  }

  /** Offers these countries. */
  setCountries(names: Iterable<string>): void {
    const sorted = [...names].sort((a, b) => a.localeCompare(b));
    const chosen = this.country.value;
    if (chosen !== "" && !sorted.includes(chosen)) sorted.push(chosen);
    if (sorted.join() === this.countries) return;
    this.countries = sorted.join();
    this.country.replaceChildren(
      h("option", { value: "" }, "Any country"),
      ...sorted.map((name) => h("option", { value: name }, name)),
    );
    this.country.value = chosen;
  }

  clear(): void {
    for (const field of [
      this.lowest,
      this.highest,
      this.slowest,
      this.fastest,
      this.country,
      this.category,
      this.ground,
      this.squawk,
    ]) {
      field.value = "";
    }
    this.emergencies.checked = false;
    this.changed();
  }

  private read(): Filter {
    const figure = (input: HTMLInputElement, quantity: "altitude" | "speed"): number | undefined => {
      const value = input.valueAsNumber;
      return Number.isFinite(value) ? fromUnit(value, quantity, this.units) : undefined;
    };
    const entries = {
      lowest: figure(this.lowest, "altitude"),
      highest: figure(this.highest, "altitude"),
      slowest: figure(this.slowest, "speed"),
      fastest: figure(this.fastest, "speed"),
      country: this.country.value === "" ? undefined : this.country.value,
      category: this.category.value === "" ? undefined : Number(this.category.value),
      ground: this.ground.value === "" ? undefined : this.ground.value,
      squawk: this.squawk.value === "" ? undefined : this.squawk.value,
      emergencies: this.emergencies.checked ? true : undefined,
    };
    return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
  }
}
