import {
  categoryName,
  emergency,
  isCategorised,
  isPositionOld,
  positionAge,
  positionSourceName,
  title,
} from "../model/aircraft.ts";
import { clock } from "../model/time.ts";
import { levelOf, span, withUnit } from "../model/units.ts";
import type { UnitSystem } from "../model/units.ts";
import type { StateVector } from "../stream/index.ts";
import { Chart } from "./chart.ts";
import { h, icon, setText, show } from "./dom.ts";
import type { Whereabouts } from "./elsewhere.ts";
import type { Track } from "./track.ts";

/** What somebody does in the details. */
export interface DetailsEvents {
  readonly onClose: () => void;
  readonly onFollow: (follow: boolean) => void;
  readonly onShow: () => void;
}

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
  ["Country", "derived from the ICAO address"],
  ["Category", "ADS-B emitter category"],
  ["ICAO address", "ICAO 24-bit address"],
] as const;
type Field = (typeof FIELDS)[number][0];

/** Why there is no current state. */
const ABSENT: Readonly<Record<Exclude<Whereabouts["kind"], "found">, string>> = {
  loading: "Loading …",
  absent: "No current position: silent for several minutes.",
  unavailable: "Its position is temporarily unavailable; retrying …",
};

/** Everything about one aircraft. */
export class Details {
  private readonly name = h("h2", { id: "details-title" });
  private readonly subtitle = h("p", { class: "subtitle" });
  private readonly cry = h("p", { class: "cry", role: "alert" });
  private readonly oldPosition = h("p", { class: "old-position" });
  private readonly values = new Map<Field, HTMLElement>();
  private readonly fields = h("dl", { class: "fields" });
  private readonly chart = new Chart();
  private readonly past = h("p", { class: "note" });
  private readonly follow = h(
    "button",
    { type: "button", class: "button", "aria-pressed": "false" },
    icon("follow"),
    "Follow",
  );
  private readonly share = h("button", { type: "button", class: "button" }, icon("link"), "Copy link");
  readonly element: HTMLElement;

  constructor(private readonly events: DetailsEvents) {
    this.follow.addEventListener("click", () => {
      events.onFollow(this.follow.getAttribute("aria-pressed") !== "true");
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
        h(
          "button",
          {
            type: "button",
            class: "plain-button",
            "aria-label": "Close the details",
            click: () => {
              this.events.onClose();
            },
          },
          icon("close"),
        ),
      ),
      this.cry,
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
              this.events.onShow();
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
      this.past,
    );
    this.element.hidden = true;
  }

  /** Shows this aircraft; `undefined` where it is not in the picture any more, or not yet. */
  update(
    icao24: string,
    state: StateVector | undefined,
    context: {
      now: number;
      answeredAt: number | undefined;
      units: UnitSystem;
      follow: boolean;
      missing: Exclude<Whereabouts["kind"], "found"> | undefined;
    },
  ): void {
    const { now, units } = context;
    this.follow.setAttribute("aria-pressed", String(context.follow));
    // What was true at another moment is not shown as if it were so at this one.
    show(this.fields, state !== undefined);
    if (state === undefined) {
      setText(this.name, icao24);
      setText(this.subtitle, ABSENT[context.missing ?? "loading"]);
      show(this.cry, false);
      show(this.oldPosition, false);
      return;
    }
    setText(this.name, title(state));
    const category = isCategorised(state) && categoryName(state.category);
    setText(this.subtitle, [state.origin_country, category].filter(Boolean).join(" · "));
    const cry = emergency(state);
    show(this.cry, cry !== undefined);
    if (cry !== undefined) setText(this.cry, `Squawk ${state.squawk ?? ""}: ${cry}`);
    const isOld = isPositionOld(state, context.answeredAt);
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
    const taken = state.time_position === null ? "" : `, ${span(now - state.time_position)} ago`;
    set("Position source", positionSourceName(state.position_source) + taken);
    set("Last contact", `${span(now - state.last_contact)} ago, at ${clock(state.last_contact)}`);
    set("Country", state.origin_country ?? "Unknown");
    set("Category", categoryName(state.category));
    set("ICAO address", state.icao24);
  }

  /** Shows what was; a text where there is nothing to show. */
  setTrack(track: Track | string, units: UnitSystem): void {
    const points = typeof track === "string" ? [] : track;
    const enough = points.length >= 2;
    this.chart.update(enough ? points : [], units);
    show(this.chart.element, enough);
    show(this.past, !enough);
    setText(this.past, typeof track === "string" ? track : enough ? "" : "No history yet.");
  }

  private async copy(): Promise<void> {
    let done = true;
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      // Browsers allow it on secure pages only: the address bar has it as well.
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
