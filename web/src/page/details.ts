import {
  categoryName,
  isCategorised,
  isPositionOld,
  positionAge,
  positionSourceName,
  title,
} from "../model/aircraft.ts";
import { alertSentence, isEmergency } from "../model/alerts.ts";
import { routeName } from "../model/routes.ts";
import { sourceName } from "../model/sources.ts";
import { clock } from "../model/time.ts";
import { levelOf, span, withUnit } from "../model/units.ts";
import type { Alert } from "../stream/index.ts";
import { closeButton, h, icon, setText, show } from "../ui/dom.ts";
import { FocusReturn } from "../ui/focus.ts";
import type { Lookup } from "./aircraft-lookup.ts";
import { Chart } from "./chart.ts";
import { answeredAt, goTo, select, setFollowing, shownTime } from "./state.ts";
import type { PageState, PageStore } from "./state.ts";

import "./panel.css";
import "./details.css";

const FIELDS = [
  ["Altitude", "barometric altitude (standard pressure)"],
  ["GNSS altitude", "above the WGS-84 ellipsoid"],
  ["Ground speed", "speed over ground"],
  ["Track", "direction over ground, from true north"],
  ["Vertical rate", "positive when climbing"],
  ["Squawk", "transponder code"],
  ["Position", "latitude and longitude, WGS-84"],
  ["Position source", "how and when the position was determined"],
  ["Last contact", "most recent message of any kind"],
  ["Reported by", "data source of this state"],
  ["Country", "derived from the ICAO address"],
  ["Category", "ADS-B emitter category"],
  ["ICAO address", "ICAO 24-bit address"],
  ["Registration", "from the aircraft table, or computed from the ICAO address"],
  ["Type", "from the aircraft table"],
  ["Operator", "from the aircraft table"],
  ["Airline", "derived from the callsign"],
  ["Route", "probable departure and arrival, from the first and last stored positions of the flight"],
] as const;
type Field = (typeof FIELDS)[number][0];

/** Replaces the state where there is none. */
const MISSING: Readonly<Record<Lookup["kind"], string>> = {
  found: "",
  loading: "Loading …",
  absent: "No current position: silent for several minutes.",
  unavailable: "Its position is temporarily unavailable; retrying …",
};

/** The selected aircraft. */
export class Details {
  private readonly name = h("h2", { id: "details-title" });
  private readonly subtitle = h("p", { class: "subtitle" });
  private readonly alerts = h("div", { class: "aircraft-alerts", role: "alert" });
  private readonly oldPosition = h("p", { class: "old-position" });
  private readonly values = new Map<Field, HTMLElement>();
  private readonly fields = h("dl", { class: "fields" });
  private readonly chart = new Chart();
  private readonly trackNote = h("p", { class: "note" });
  private readonly follow = h(
    "button",
    { type: "button", class: "button", "aria-pressed": "false" },
    icon("follow"),
    "Follow",
  );
  private readonly share = h("button", { type: "button", class: "button" }, icon("link"), "Copy link");
  private readonly focus: FocusReturn;
  readonly element: HTMLElement;

  constructor(store: PageStore) {
    this.follow.addEventListener("click", () => {
      setFollowing(store, !store.state.following);
    });
    this.share.addEventListener("click", () => {
      void this.copy();
    });
    for (const [name, meaning] of FIELDS) {
      const value = h("dd");
      this.values.set(name, value);
      this.fields.append(h("div", {}, h("dt", { title: meaning }, name), value));
    }
    this.element = h(
      "section",
      { class: "panel details", "aria-labelledby": "details-title", tabindex: "-1" },
      h(
        "header",
        {},
        h("div", {}, this.name, this.subtitle),
        closeButton("Close the details", () => {
          select(store, undefined);
        }),
      ),
      this.alerts,
      this.oldPosition,
      h(
        "div",
        { class: "actions" },
        this.follow,
        h(
          "button",
          {
            type: "button",
            class: "button",
            click: () => {
              const { aircraft } = store.state;
              if (aircraft !== undefined) goTo(store, aircraft);
            },
          },
          icon("search"),
          "Centre on map",
        ),
        this.share,
      ),
      this.fields,
      h("h3", {}, "Last 6 hours"),
      this.chart.element,
      this.trackNote,
    );
    this.element.hidden = true;
    this.focus = new FocusReturn(this.element);
    store.on(["selected"], (state) => {
      this.open(state);
    });
    const shown = [
      "selected",
      "following",
      "aircraft",
      "lookup",
      "known",
      "routes",
      "traffic",
      "alerts",
      "settings",
      "tick",
    ] as const;
    store.on(shown, (state) => {
      this.update(state);
    });
    store.on(["track", "settings", "theme"], (state) => {
      this.updateTrack(state);
    });
  }

  private open({ selected, focusFollows }: PageState): void {
    const wasOpen = !this.element.hidden;
    const wasFocused = this.focus.holds;
    this.element.hidden = selected === undefined;
    document.body.classList.toggle("with-details", selected !== undefined);
    if (selected === undefined) {
      if (wasFocused) this.focus.leave(document.querySelector<HTMLElement>(".map canvas") ?? undefined);
    } else if (!wasOpen && focusFollows) this.focus.enter();
  }

  private update(page: PageState): void {
    const { selected, aircraft: state, lookup, following, settings } = page;
    if (selected === undefined) return;
    const { units } = settings;
    const now = shownTime(page);
    this.follow.setAttribute("aria-pressed", String(following));
    // The fields of another moment are not shown as if they were current.
    show(this.fields, state !== undefined);
    if (state === undefined) {
      setText(this.name, selected);
      setText(this.subtitle, MISSING[lookup.kind]);
      this.showAlerts([]);
      show(this.oldPosition, false);
      return;
    }
    setText(this.name, title(state));
    const category = isCategorised(state) && categoryName(state.category);
    setText(this.subtitle, [state.origin_country, category].filter(Boolean).join(" · "));
    this.showAlerts(page.alerts.get(selected) ?? []);
    const isOld = isPositionOld(state, answeredAt(page));
    show(this.oldPosition, isOld);
    if (isOld) setText(this.oldPosition, `Last known position, ${span(positionAge(state, now))} old`);
    const set = (field: Field, text: string): void => {
      const value = this.values.get(field);
      if (value !== undefined) setText(value, text);
    };
    const level = levelOf(state, units);
    const height = withUnit(state.baro_altitude, "altitude", units) + (level === undefined ? "" : ` (${level})`);
    set("Altitude", state.on_ground === true ? "On ground" : height);
    set("GNSS altitude", withUnit(state.geo_altitude, "altitude", units));
    set("Ground speed", withUnit(state.velocity, "speed", units));
    set("Track", state.true_track === null ? "–" : `${Math.round(state.true_track)}° ${compass(state.true_track)}`);
    set("Vertical rate", withUnit(state.vertical_rate, "vertical", units));
    set("Squawk", (state.squawk ?? "–") + (state.spi === true ? " (ident)" : ""));
    set("Position", state.lat === null || state.lon === null ? "Unknown" : place(state.lat, state.lon));
    const positionAgo = state.time_position === null ? "" : `, ${span(now - state.time_position)} ago`;
    set("Position source", positionSourceName(state.position_source) + positionAgo);
    set("Last contact", `${span(now - state.last_contact)} ago, at ${clock(state.last_contact)}`);
    set("Reported by", state.source === null ? "Unknown" : sourceName(state.source));
    set("Country", state.origin_country ?? "Unknown");
    set("Category", categoryName(state.category));
    set("ICAO address", state.icao24);
    const { known } = page;
    const type = [known?.type, known?.description].filter(Boolean).join(" · ");
    const military = known?.military === true ? " (military)" : "";
    this.setKnown("Registration", known?.registration, known?.sources.registration === "computed" ? " (computed)" : "");
    this.setKnown("Type", type === "" ? undefined : type, military);
    this.setKnown("Operator", known?.operator);
    this.setKnown("Airline", known?.airline);
    this.setKnown("Route", routeName(page.routes.get(selected)));
  }

  /** Shows the active alerts of the aircraft. Texts that stay the same are not read out again. */
  private showAlerts(alerts: readonly Alert[]): void {
    show(this.alerts, alerts.length > 0);
    while (this.alerts.children.length > alerts.length) this.alerts.lastElementChild?.remove();
    alerts.forEach((alert, index) => {
      const line = this.alerts.children[index] ?? this.alerts.appendChild(h("p"));
      line.className = isEmergency(alert) ? "alert emergency" : "alert";
      setText(line, alertSentence(alert));
    });
  }

  /** Shows a field only where its value is known. */
  private setKnown(field: Field, text: string | undefined, note = ""): void {
    const value = this.values.get(field);
    if (value === undefined) return;
    const row = value.parentElement;
    if (row !== null) show(row, text !== undefined);
    setText(value, (text ?? "") + note);
  }

  private updateTrack({ track, settings }: PageState): void {
    const points = typeof track === "string" ? [] : track;
    const isLine = points.length >= 2;
    this.chart.update(isLine ? points : [], settings.units);
    show(this.chart.element, isLine);
    show(this.trackNote, !isLine);
    setText(this.trackNote, typeof track === "string" ? track : isLine ? "" : "No history yet.");
  }

  private async copy(): Promise<void> {
    let done = true;
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      // Browsers allow it on secure pages only.
      done = false;
    }
    const label = this.share.lastChild;
    if (label === null) return;
    label.textContent = done ? "Copied" : "Copy it from the address bar";
    window.setTimeout(() => {
      label.textContent = "Copy link";
    }, 2_000);
  }
}

function compass(track: number): string {
  return ["N", "NE", "E", "SE", "S", "SW", "W", "NW"][Math.round(track / 45) % 8] ?? "";
}

function place(lat: number, lon: number): string {
  const part = (value: number, [positive, negative]: readonly [string, string]): string =>
    `${Math.abs(value).toFixed(4)}° ${value < 0 ? negative : positive}`;
  return `${part(lat, ["N", "S"])}, ${part(lon, ["E", "W"])}`;
}
