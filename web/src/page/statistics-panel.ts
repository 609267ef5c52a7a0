import { everyAircraft } from "../api/flights.ts";
import { ApiError } from "../api/http.ts";
import { countryTraffic, hourlyTraffic } from "../api/stats.ts";
import type { HourlyTraffic } from "../api/types.ts";
import { busiestCountries, byAltitude, byCountry, wholeDay } from "../model/statistics.ts";
import type { Share } from "../model/statistics.ts";
import { shortClock } from "../model/time.ts";
import { figure, unitName } from "../model/units.ts";
import type { StateVector } from "../stream/index.ts";
import { closeButton, h, setText } from "../ui/dom.ts";
import { openPanel } from "./state.ts";
import type { PageStore } from "./state.ts";

import "./panel.css";
import "./statistics-panel.css";

/** Pause between two refreshes, milliseconds. */
const INTERVAL = 30_000;
const MAX_COUNTRIES = 8;
const DAY = 24 * 3600;
/** The height of an altitude band, m: a round figure in the unit that is shown. */
const BANDS = { aeronautical: 3_048, imperial: 3_048, metric: 3_000 } as const;

/** The aircraft at the time that is shown, and during the 24 hours before it. */
export class StatisticsPanel {
  private readonly now = h("p", { class: "subtitle" });
  private readonly byCountry = h("h3");
  private readonly byAltitude = h("h3");
  private readonly byHour = h("h3");
  private readonly byDayAndCountry = h("h3");
  private readonly countries = h("div");
  private readonly altitudes = h("div");
  private readonly day = h("div");
  private readonly dayCountries = h("div");
  private readonly problem = h("p", { class: "note", role: "status" });
  private timer: number | undefined;
  private isOpen = false;
  /** Counts the refreshes: only the latest one is shown. */
  private latest = 0;
  readonly element: HTMLElement;

  constructor(private readonly store: PageStore) {
    this.element = h(
      "section",
      { class: "panel statistics", "aria-labelledby": "statistics-title" },
      h(
        "header",
        {},
        h("div", {}, h("h2", { id: "statistics-title" }, "Statistics"), this.now),
        closeButton("Close the statistics", () => {
          openPanel(store, undefined);
        }),
      ),
      this.byCountry,
      this.countries,
      this.byAltitude,
      this.altitudes,
      this.byHour,
      this.day,
      this.byDayAndCountry,
      this.dayCountries,
      this.problem,
    );
    this.element.hidden = true;
    store.on(["panel"], ({ panel }) => {
      const isOpen = panel === "statistics";
      if (isOpen === this.isOpen) return;
      this.isOpen = isOpen;
      this.restart();
    });
    store.on(["jumps"], () => {
      this.restart();
    });
    store.on(["tick"], () => {
      if (this.isOpen) this.showReplay();
    });
  }

  /** Refreshes immediately, and then regularly for as long as the panel is open. */
  private restart(): void {
    window.clearTimeout(this.timer);
    if (this.isOpen) void this.refresh();
  }

  private showReplay(): void {
    const { player, traffic } = this.store.state;
    if (player !== undefined) this.showMoment(traffic.held, player.at);
  }

  private async refresh(): Promise<void> {
    const number = ++this.latest;
    await Promise.all([this.refreshMoment(number), this.refreshDay(number, this.store.state.player?.at)]);
    if (!this.isOpen || number !== this.latest) return;
    this.timer = window.setTimeout(() => {
      void this.refresh();
    }, INTERVAL);
  }

  private async refreshMoment(number: number): Promise<void> {
    this.showReplay();
    if (this.store.state.player !== undefined) return;
    try {
      const states = await everyAircraft();
      if (number === this.latest) this.showMoment(states, undefined);
    } catch {
      if (number !== this.latest) return;
      setText(this.now, "Current figures are temporarily unavailable.");
      this.headings(undefined);
      for (const part of [this.countries, this.altitudes]) part.replaceChildren();
    }
  }

  private async refreshDay(number: number, at: number | undefined): Promise<void> {
    const period = at === undefined ? undefined : { from: at - DAY, to: at };
    try {
      const [hours, countries] = await Promise.all([hourlyTraffic(period), countryTraffic(period)]);
      if (number !== this.latest) return;
      this.showDay(hours, at);
      bars(this.dayCountries, busiestCountries(countries, MAX_COUNTRIES));
      setText(this.problem, hours.length === 0 ? "Hourly counts lag by a few minutes." : "");
    } catch (error) {
      if (number !== this.latest) return;
      for (const part of [this.day, this.dayCountries]) part.replaceChildren();
      const hasHistory = !(error instanceof ApiError && error.isNotFound);
      setText(
        this.problem,
        hasHistory
          ? "Statistics are temporarily unavailable."
          : "This server keeps no history; only current figures are available.",
      );
    }
  }

  private headings(at: number | undefined): void {
    const traffic = at === undefined ? "Current traffic" : `Traffic at ${shortClock(at)}`;
    setText(this.byCountry, `${traffic} by country`);
    setText(this.byAltitude, `${traffic} by altitude`);
    const day = at === undefined ? "last 24 hours" : "previous 24 hours";
    setText(this.byHour, `Aircraft per hour, ${day}`);
    setText(this.byDayAndCountry, `Busiest hour by country, ${day}`);
  }

  private showMoment(states: readonly StateVector[], at: number | undefined): void {
    const airborne = states.filter(({ on_ground }) => on_ground !== true).length;
    const where = at === undefined ? "tracked worldwide" : "in the loaded area";
    setText(
      this.now,
      `${states.length.toLocaleString("en")} aircraft ${where}, ${airborne.toLocaleString("en")} airborne`,
    );
    this.headings(at);
    bars(this.countries, byCountry(states, MAX_COUNTRIES));
    const { units } = this.store.state.settings;
    const name = (metres: number): string => `${figure(metres, "altitude", units)} ${unitName("altitude", units)}`;
    bars(this.altitudes, byAltitude(states, BANDS[units], name));
  }

  private showDay(hours: readonly HourlyTraffic[], at: number | undefined): void {
    const day = wholeDay(hours, at ?? Date.now() / 1000);
    const highest = Math.max(...day.map(({ aircraft }) => aircraft));
    this.day.replaceChildren(
      h(
        "ol",
        { class: "hours", "aria-label": "Aircraft by hour" },
        ...day.map(({ hour, aircraft }) => {
          const text = `${shortClock(hour)}: ${aircraft.toLocaleString("en")}`;
          const bar = h("span", { class: "hour-bar" });
          bar.style.height = `${(aircraft / Math.max(1, highest)) * 100}%`;
          return h("li", { title: text }, bar, h("span", { class: "unseen" }, text));
        }),
      ),
      h(
        "p",
        { class: "marks" },
        h("span", {}, shortClock(day[0]?.hour ?? 0)),
        h("span", {}, highest === 0 ? "No hourly counts yet." : `peak ${highest.toLocaleString("en")}`),
        h("span", {}, at === undefined ? "now" : shortClock(at)),
      ),
    );
  }
}

function bars(into: HTMLElement, shares: readonly Share[]): void {
  const highest = Math.max(1, ...shares.map(({ count }) => count));
  into.replaceChildren(
    h(
      "dl",
      { class: "bars" },
      ...shares.map(({ name, count }) => {
        const bar = h("span", { class: "share", "aria-hidden": "true" });
        bar.style.width = `${(count / highest) * 100}%`;
        return h("div", {}, h("dt", {}, name), h("dd", {}, bar, h("span", {}, count.toLocaleString("en"))));
      }),
    ),
  );
}
