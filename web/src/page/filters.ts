import { categoryName } from "../model/aircraft.ts";
import { chipsOf, limitOf, NO_TABLE, problemsOf, usable, without } from "../model/filter.ts";
import type { Filter, FilterProblems } from "../model/filter.ts";
import { MAX_TEXT } from "../model/link.ts";
import { sourceName } from "../model/sources.ts";
import { fromUnit, inUnit, unitName } from "../model/units.ts";
import type { UnitSystem } from "../model/units.ts";
import { closeButton, h, icon, setText, show } from "../ui/dom.ts";
import { openPanel } from "./state.ts";
import type { PageState, PageStore } from "./state.ts";

import "./panel.css";
import "./filters.css";

const ANY_COUNTRY = "Any country";
const ANY_SOURCE = "Any source";

/** The form of the filter, and its parts as chips. */
export class Filters {
  private filter: Filter = {};
  private units: UnitSystem;
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
    const entered = this.read();
    this.showProblems(problemsOf(entered));
    this.filter = usable(entered);
    this.store.set({ filter: this.filter });
  };
  private readonly lowest = this.number("Minimum altitude");
  private readonly highest = this.number("Maximum altitude");
  private readonly slowest = this.number("Minimum speed");
  private readonly fastest = this.number("Maximum speed");
  private readonly problems = {
    altitude: problem("altitude-problem", [this.lowest, this.highest]),
    speed: problem("speed-problem", [this.slowest, this.fastest]),
  };
  private readonly country = h("select", { change: this.changed }, h("option", { value: "" }, ANY_COUNTRY));
  private readonly source = h("select", { change: this.changed }, h("option", { value: "" }, ANY_SOURCE));
  /** Shown where there are several sources. */
  private readonly sourceField = h("label", {}, "Reported by", this.source);
  private readonly category = h(
    "select",
    { change: this.changed },
    h("option", { value: "" }, "Any category"),
    ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20].map((code) =>
      h("option", { value: String(code) }, categoryName(code)),
    ),
  );
  private readonly text = (placeholder: string): HTMLInputElement =>
    h("input", { type: "text", maxlength: String(MAX_TEXT), placeholder, spellcheck: "false", input: this.changed });
  private readonly type = this.text("e.g. A32*, B738");
  private readonly registration = this.text("e.g. HB-*");
  private readonly operator = this.text("e.g. Swiss");
  private readonly service = h(
    "select",
    { change: this.changed },
    h("option", { value: "" }, "Either"),
    h("option", { value: "military" }, "Military"),
    h("option", { value: "civil" }, "Civil"),
  );
  /** Why some fields cannot be used, or do not find everything yet. */
  private readonly limit = h("p", { id: "filter-limit", class: "note", role: "status" });
  private readonly ground = h(
    "select",
    { change: this.changed },
    h("option", { value: "" }, "Either"),
    h("option", { value: "air" }, "Airborne"),
    h("option", { value: "ground" }, "On ground"),
  );
  private readonly squawk = h("input", {
    type: "text",
    inputmode: "numeric",
    maxlength: "4",
    placeholder: "e.g. 7700",
    input: this.changed,
  });
  private readonly squawkProblem = problem("squawk-problem", [this.squawk]);
  /** The parts of the filter as buttons that remove them. */
  readonly chips = h("ul", { class: "chips", "aria-label": "Active filters" });
  private readonly alerts = h("input", { type: "checkbox", change: this.changed });
  private readonly altitudeUnit = h("legend");
  private readonly speedUnit = h("legend");
  readonly element: HTMLElement;

  constructor(private readonly store: PageStore) {
    this.units = store.state.settings.units;
    const to = (): HTMLElement => h("span", { "aria-hidden": "true" }, "to");
    this.element = h(
      "section",
      { class: "panel filters", "aria-labelledby": "filters-title" },
      h(
        "header",
        {},
        h("h2", { id: "filters-title" }, "Filters"),
        closeButton("Close filters", () => {
          openPanel(store, undefined);
        }),
      ),
      h(
        "form",
        {
          submit: (event) => {
            event.preventDefault();
          },
        },
        h(
          "fieldset",
          {},
          this.altitudeUnit,
          h("div", { class: "range" }, this.lowest, to(), this.highest),
          this.problems.altitude,
        ),
        h(
          "fieldset",
          {},
          this.speedUnit,
          h("div", { class: "range" }, this.slowest, to(), this.fastest),
          this.problems.speed,
        ),
        h("label", {}, "Country", this.country),
        this.sourceField,
        h("label", {}, "Category", this.category),
        h("label", {}, "Type", this.type),
        h("label", {}, "Registration", this.registration),
        h("label", {}, "Operator or airline", this.operator),
        h("label", {}, "Military or civil", this.service),
        this.limit,
        h("label", {}, "Airborne or on ground", this.ground),
        h("label", {}, "Squawk", this.squawk),
        this.squawkProblem,
        h("label", { class: "check" }, this.alerts, "With alerts only"),
        h(
          "button",
          {
            type: "button",
            class: "button",
            click: () => {
              store.set({ filter: {} });
            },
          },
          "Clear filters",
        ),
      ),
    );
    this.element.hidden = true;
    for (const field of [this.type, this.registration, this.operator, this.service]) {
      field.setAttribute("aria-describedby", this.limit.id);
    }
    this.nameUnits();
    store.on(["settings"], ({ settings: { units } }) => {
      if (units === this.units) return;
      this.units = units;
      this.nameUnits();
      this.fillRanges();
    });
    store.on(["filter"], ({ filter }) => {
      if (filter !== this.filter) this.fill(filter);
    });
    store.on(["filter", "settings"], (state) => {
      this.showChips(state);
    });
    store.on(["filter", "facts", "status"], (state) => {
      this.showLimit(state);
    });
    store.on(["traffic", "status"], ({ traffic, status }) => {
      offer(this.country, ANY_COUNTRY, new Set(traffic.held.flatMap(({ origin_country }) => origin_country ?? [])));
      const reporting = traffic.held.flatMap(({ source }) => source ?? []);
      const sources = new Set([...(status?.sources ?? []).map(({ name }) => name), ...reporting]);
      offer(this.source, ANY_SOURCE, sources, sourceName);
      this.showSourceField();
    });
  }

  private nameUnits(): void {
    const { units } = this;
    setText(this.altitudeUnit, `Altitude, ${unitName("altitude", units)}`);
    setText(this.speedUnit, `Speed, ${unitName("speed", units)}`);
  }

  /** Shows a filter that was not entered in the form. */
  private fill(filter: Filter): void {
    this.filter = filter;
    const { country = "", source = "", category, ground = "", squawk = "", alerts = false } = filter;
    choose(this.country, country);
    choose(this.source, source, sourceName);
    this.showSourceField();
    const { type = "", registration = "", operator = "", service = "" } = filter;
    this.type.value = type;
    this.registration.value = registration;
    this.operator.value = operator;
    this.service.value = service;
    this.category.value = category === undefined ? "" : String(category);
    this.ground.value = ground;
    this.squawk.value = squawk;
    this.alerts.checked = alerts;
    this.fillRanges();
    this.showProblems({});
  }

  private showProblems({ altitude = "", speed = "", squawk = "" }: FilterProblems): void {
    for (const [element, text, fields] of [
      [this.problems.altitude, altitude, [this.lowest, this.highest]],
      [this.problems.speed, speed, [this.slowest, this.fastest]],
      [this.squawkProblem, squawk, [this.squawk]],
    ] as const) {
      setText(element, text);
      for (const field of fields) field.setAttribute("aria-invalid", String(text !== ""));
    }
  }

  /** Fields that cannot find anything are disabled, unless a link has set them. */
  private showLimit({ filter, facts, status }: PageState): void {
    const isWithoutTable = status?.aircraft_table === null;
    for (const field of [this.type, this.service]) field.disabled = isWithoutTable && field.value === "";
    setText(this.limit, limitOf(filter, facts, status) ?? (isWithoutTable ? NO_TABLE : ""));
  }

  private showChips({ filter, settings }: PageState): void {
    this.chips.replaceChildren(
      ...chipsOf(filter, settings.units).map(({ text, members }) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              "aria-label": `Remove filter: ${text}`,
              click: () => {
                this.store.set({ filter: without(filter, members) });
              },
            },
            text,
            icon("close"),
          ),
        ),
      ),
    );
    this.chips.hidden = this.chips.childElementCount === 0;
  }

  private fillRanges(): void {
    const { units } = this;
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

  private showSourceField(): void {
    // The choice of any source is one more.
    show(this.sourceField, this.source.options.length > 2 || this.source.value !== "");
  }

  private read(): Filter {
    const figure = (input: HTMLInputElement, quantity: "altitude" | "speed"): number | undefined => {
      const value = input.valueAsNumber;
      return Number.isFinite(value) ? fromUnit(value, quantity, this.units) : undefined;
    };
    const text = ({ value }: HTMLInputElement): string | undefined => (value.trim() === "" ? undefined : value.trim());
    const entries = {
      lowest: figure(this.lowest, "altitude"),
      highest: figure(this.highest, "altitude"),
      slowest: figure(this.slowest, "speed"),
      fastest: figure(this.fastest, "speed"),
      country: this.country.value === "" ? undefined : this.country.value,
      source: this.source.value === "" ? undefined : this.source.value,
      category: this.category.value === "" ? undefined : Number(this.category.value),
      ground: this.ground.value === "" ? undefined : this.ground.value,
      type: text(this.type),
      registration: text(this.registration),
      operator: text(this.operator),
      service: this.service.value === "" ? undefined : this.service.value,
      squawk: this.squawk.value === "" ? undefined : this.squawk.value,
      alerts: this.alerts.checked ? true : undefined,
    };
    return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
  }
}

/** Offers values in addition to any, and keeps the chosen one. */
function offer(
  select: HTMLSelectElement,
  any: string,
  values: Iterable<string>,
  nameOf = (value: string) => value,
): void {
  const sorted = [...values].sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
  const chosen = select.value;
  if (chosen !== "" && !sorted.includes(chosen)) sorted.push(chosen);
  const offered = [...select.options].slice(1).map(({ value }) => value);
  if (sorted.join() === offered.join()) return;
  select.replaceChildren(
    h("option", { value: "" }, any),
    ...sorted.map((value) => h("option", { value }, nameOf(value))),
  );
  select.value = chosen;
}

/** Chooses a value. That of a link may have no aircraft here yet. */
function choose(select: HTMLSelectElement, value: string, nameOf = (value: string) => value): void {
  if (![...select.options].some((option) => option.value === value)) {
    select.append(h("option", { value }, nameOf(value)));
  }
  select.value = value;
}

/** Describes what is wrong with some fields. */
function problem(id: string, fields: readonly HTMLElement[]): HTMLElement {
  for (const field of fields) field.setAttribute("aria-describedby", id);
  return h("p", { id, class: "field-problem", role: "status" });
}
