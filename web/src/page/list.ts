import { altitude, isPositionOld, positionAge, title } from "../model/aircraft.ts";
import { alertText, isEmergency } from "../model/alerts.ts";
import { operatorOf } from "../model/facts.ts";
import { routeName, routeText } from "../model/routes.ts";
import { COLUMNS, sorted } from "../model/sort.ts";
import type { Column, Order } from "../model/sort.ts";
import { figure, levelOf, span, unitName } from "../model/units.ts";
import type { StateVector } from "../stream/index.ts";
import { closeButton, h, setText } from "../ui/dom.ts";
import type { RouteLoader } from "./route-loader.ts";
import { answeredAt, openPanel, selectAndReveal, shownTime } from "./state.ts";
import type { PageState, PageStore } from "./state.ts";

import "./panel.css";
import "./list.css";

/** The height of a row, CSS pixels. */
const ROW = 34;
/** The routes of at most this many aircraft are read where they are not in view of the list. */
const MAX_ROUTES = 1_000;
const NAMES: Readonly<Record<Column, string>> = {
  callsign: "Callsign",
  registration: "Reg.",
  type: "Type",
  operator: "Operator",
  route: "Route",
  country: "Country",
  icao24: "ICAO",
  altitude: "Alt",
  speed: "Speed",
  seen: "Age",
};
/** What a heading means, where its name does not say it. */
const MEANINGS: Partial<Record<Column, string>> = {
  registration: "Registration, from the aircraft table or computed from the ICAO address",
  type: "ICAO type designator, from the aircraft table",
  operator: "Airline of the callsign, or else the operator of the aircraft table",
  route: "Probable departure and arrival, from the stored positions",
};
/** Numbers, which begin with the largest when they are sorted. */
const NUMBERS: ReadonlySet<Column> = new Set(["altitude", "speed", "seen"]);

/**
 * The visible aircraft as a table, which replaces the map for screen readers. Only the rows in view exist as elements; the
 * arrow keys move through them, Enter selects one.
 */
export class List {
  private readonly body = h("div", { role: "rowgroup", class: "rows" });
  private readonly scroller = h("div", { class: "scroller" }, this.body);
  private readonly headings = new Map<Column, HTMLElement>();
  private readonly count = h("h2", { id: "list-title" });
  private readonly table: HTMLElement;
  private readonly rows: HTMLElement[] = [];
  private order: Order = { by: "callsign", descending: false };
  private states: StateVector[] = [];
  /** The aircraft of the row with the keyboard cursor, which stays on it when the order changes. */
  private current: string | undefined;
  readonly element: HTMLElement;

  constructor(
    private readonly store: PageStore,
    private readonly routes: RouteLoader,
  ) {
    const head = h("div", { role: "row", class: "row head", "aria-rowindex": "1" });
    for (const column of COLUMNS) {
      const button = h(
        "button",
        {
          type: "button",
          title: MEANINGS[column],
          click: () => {
            this.orderBy(column);
          },
        },
        NAMES[column],
      );
      const heading = h("div", { role: "columnheader", class: classOf(column) }, button);
      this.headings.set(column, heading);
      head.append(heading);
    }
    this.table = h(
      "div",
      { role: "grid", class: "table", "aria-labelledby": "list-title", tabindex: "0" },
      h("div", { role: "rowgroup" }, head),
      this.scroller,
    );
    this.table.addEventListener("keydown", (event) => {
      this.key(event);
    });
    this.scroller.addEventListener("scroll", () => {
      this.render();
    });
    new ResizeObserver(() => {
      this.render();
    }).observe(this.scroller);
    this.element = h(
      "section",
      { class: "panel list", "aria-labelledby": "list-title" },
      h(
        "header",
        {},
        this.count,
        closeButton("Close the list", () => {
          openPanel(store, undefined);
        }),
      ),
      this.table,
    );
    this.element.hidden = true;
    this.markOrder();
    store.on(["settings"], () => {
      this.nameUnits();
    });
    store.on(["panel", "visible", "alerts", "settings", "facts", "routes"], () => {
      this.update();
    });
    // The ages grow: nothing is sorted.
    store.on(["tick", "selected"], () => {
      if (this.isOpen) this.render();
    });
    this.nameUnits();
  }

  private get isOpen(): boolean {
    return this.store.state.panel === "list";
  }

  private update(): void {
    if (!this.isOpen) return;
    const { visible, traffic, alerts, facts, routes } = this.store.state;
    this.states = sorted(visible, this.order, { facts: facts.known, routes });
    if (alerts.size > 0) {
      // Emergencies come first in any order, then the other alerts.
      const urgency = ({ icao24 }: StateVector): number => {
        const ofAircraft = alerts.get(icao24);
        return ofAircraft === undefined ? 2 : ofAircraft.some(isEmergency) ? 0 : 1;
      };
      this.states = [0, 1, 2].flatMap((group) => this.states.filter((state) => urgency(state) === group));
    }
    setText(this.count, traffic.isLoaded ? `${visible.length.toLocaleString("en")} aircraft in view` : "No data yet");
    this.table.setAttribute("aria-rowcount", String(visible.length + 1));
    this.render();
  }

  private orderBy(by: Column): void {
    this.order = {
      by,
      descending: this.order.by === by ? !this.order.descending : NUMBERS.has(by),
    };
    this.markOrder();
    this.update();
  }

  private markOrder(): void {
    for (const [column, heading] of this.headings) {
      const direction = this.order.descending ? "descending" : "ascending";
      heading.setAttribute("aria-sort", column === this.order.by ? direction : "none");
    }
  }

  private key(event: KeyboardEvent): void {
    const at = this.states.findIndex(({ icao24 }) => icao24 === this.current);
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / ROW) - 1);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const next = Math.min(this.states.length - 1, Math.max(0, at + step));
      this.current = this.states[next]?.icao24;
      this.scrollTo(next);
      this.render();
    } else if (
      (event.key === "Enter" || event.key === " ") &&
      this.current !== undefined &&
      event.target === this.table
    ) {
      event.preventDefault();
      selectAndReveal(this.store, this.current);
    }
  }

  private scrollTo(index: number): void {
    const { scrollTop, clientHeight } = this.scroller;
    if (index * ROW < scrollTop) this.scroller.scrollTop = index * ROW;
    else if ((index + 1) * ROW > scrollTop + clientHeight) this.scroller.scrollTop = (index + 1) * ROW - clientHeight;
  }

  private render(): void {
    const { states, store } = this;
    this.body.style.height = `${states.length * ROW}px`;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW) - 4);
    const count = Math.min(states.length - first, Math.ceil(this.scroller.clientHeight / ROW) + 8);
    while (this.rows.length < count) this.rows.push(this.row());
    this.rows.forEach((row, i) => {
      const state = i < count ? states[first + i] : undefined;
      if (state === undefined) row.remove();
      else {
        this.fill(row, state, first + i, store.state);
        if (row.parentNode === null) this.body.append(row);
      }
    });
    // Those on the screen first; all of them only where that is a few requests.
    const shown = states.slice(first, first + count);
    this.routes.want(states.length > MAX_ROUTES ? shown : [...shown, ...states]);
    const active = this.current === undefined ? null : this.body.querySelector(`#row-${this.current}`);
    if (active === null) this.table.removeAttribute("aria-activedescendant");
    else this.table.setAttribute("aria-activedescendant", active.id);
  }

  private row(): HTMLElement {
    const row = h("div", { role: "row", class: "row" });
    for (const column of COLUMNS) row.append(h("div", { role: "gridcell", class: classOf(column) }));
    row.addEventListener("click", () => {
      const icao24 = row.dataset["icao24"];
      if (icao24 === undefined) return;
      this.current = icao24;
      selectAndReveal(this.store, icao24);
    });
    return row;
  }

  private fill(row: HTMLElement, state: StateVector, index: number, page: PageState): void {
    const now = shownTime(page);
    const { units } = page.settings;
    const alerts = page.alerts.get(state.icao24) ?? [];
    row.id = `row-${state.icao24}`;
    row.dataset["icao24"] = state.icao24;
    row.style.transform = `translateY(${index * ROW}px)`;
    row.setAttribute("aria-rowindex", String(index + 2));
    row.setAttribute("aria-selected", String(state.icao24 === page.selected));
    row.classList.toggle("current", state.icao24 === this.current);
    row.classList.toggle("alerted", alerts.length > 0);
    row.classList.toggle("urgent", alerts.some(isEmergency));
    const isOld = isPositionOld(state, answeredAt(page));
    row.classList.toggle("old", isOld);
    const country = isOld ? `Position ${span(positionAge(state, now))} old` : (state.origin_country ?? "–");
    const known = page.facts.known.get(state.icao24);
    const route = page.routes.get(state.icao24);
    const texts: Record<Column, string> = {
      callsign: title(state),
      registration: known?.registration ?? "–",
      type: known?.type ?? "–",
      operator: operatorOf(known) ?? "–",
      route: routeText(route) ?? "–",
      country: alerts.length === 0 ? country : alerts.map(alertText).join(" · "),
      icao24: state.icao24,
      altitude:
        state.on_ground === true ? "ground" : (levelOf(state, units) ?? figure(altitude(state), "altitude", units)),
      speed: figure(state.velocity, "speed", units),
      seen: span(now - state.last_contact),
    };
    const hints: Partial<Record<Column, string | undefined>> = {
      type: known?.description,
      operator: operatorOf(known),
      route: routeName(route),
    };
    COLUMNS.forEach((column, i) => {
      const cell = row.children[i];
      if (!(cell instanceof HTMLElement)) return;
      setText(cell, texts[column]);
      const hint = hints[column] ?? "";
      if (cell.title !== hint) cell.title = hint;
    });
  }

  /** Names the units in the headings. */
  private nameUnits(): void {
    const { units } = this.store.state.settings;
    for (const [column, quantity] of [
      ["altitude", "altitude"],
      ["speed", "speed"],
    ] as const) {
      const button = this.headings.get(column)?.firstElementChild;
      if (button) setText(button, `${column === "altitude" ? "Alt" : "Speed"} (${unitName(quantity, units)})`);
    }
  }
}

/** The class of a column's cells, by which narrow lists leave it out. */
function classOf(column: Column): string {
  return NUMBERS.has(column) ? `${column} number` : column;
}
