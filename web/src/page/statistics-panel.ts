import { busiestCountries, byAltitude, byCountry, wholeDay } from "../model/statistics.ts";
import type { CountryOfTraffic, HourOfTraffic, Share } from "../model/statistics.ts";
import { shortClock } from "../model/time.ts";
import { figure, unitName } from "../model/units.ts";
import type { UnitSystem } from "../model/units.ts";
import type { StateVector } from "../stream/index.ts";
import { serverAddress } from "./base.ts";
import { h, icon, setText } from "./dom.ts";
import { fetchWithRetry } from "./retry.ts";
import { everyAircraft, isProblem } from "./server.ts";

/** How often it is asked while it is looked at. */
const EVERY = 30_000;
const PATIENCE = 10_000;
const MOST = 8;
const DAY = 24 * 3600;
const UNAVAILABLE = "Statistics are temporarily unavailable.";
/** How high a band of altitudes is, m: a round figure in the unit that is shown. */
const BANDS = { aeronautical: 3_048, imperial: 3_048, metric: 3_000 } as const;

/** What the statistics need to know. */
export interface StatisticsEvents {
  readonly units: () => UnitSystem;
  /** The moment that a replay shows, Unix seconds, and the aircraft that it shows; `undefined`: the present. */
  readonly past: () => { readonly at: number; readonly states: readonly StateVector[] } | undefined;
  readonly onClose: () => void;
}

/** How many aircraft there are at the moment that is shown, and were over the day before it. */
export class StatisticsPanel {
  private readonly now = h("p", { class: "subtitle" });
  private readonly byCountry = h("h3");
  private readonly byAltitude = h("h3");
  private readonly countries = h("div");
  private readonly altitudes = h("div");
  private readonly day = h("div");
  private readonly dayCountries = h("div");
  private readonly problem = h("p", { class: "note", role: "status" });
  private timer: number | undefined;
  private isOpen = false;
  /** Only the newest question's answer is shown. */
  private question = 0;
  readonly element: HTMLElement;

  constructor(private readonly events: StatisticsEvents) {
    this.element = h(
      "section",
      { class: "panel statistics", "aria-labelledby": "statistics-title" },
      h(
        "header",
        {},
        h("div", {}, h("h2", { id: "statistics-title" }, "Statistics"), this.now),
        h(
          "button",
          { type: "button", class: "plain-button", "aria-label": "Close the statistics", click: events.onClose },
          icon("close"),
        ),
      ),
      this.byCountry,
      this.countries,
      this.byAltitude,
      this.altitudes,
      h("h3", {}, "Aircraft per hour, 24 hours"),
      this.day,
      h("h3", {}, "Busiest hour by country, 24 hours"),
      this.dayCountries,
      this.problem,
    );
    this.element.hidden = true;
  }

  /** Whether it is looked at: what it shows is kept up to date meanwhile. */
  open(open: boolean): void {
    if (open === this.isOpen) return;
    this.isOpen = open;
    window.clearTimeout(this.timer);
    if (open) void this.refresh();
  }

  /** Another moment is shown, which does not follow the one before. */
  renew(): void {
    if (!this.isOpen) return;
    window.clearTimeout(this.timer);
    void this.refresh();
  }

  /** Time has passed: what a replay shows is counted anew. */
  tick(): void {
    const past = this.isOpen ? this.events.past() : undefined;
    if (past !== undefined) this.showMoment(past.states, past.at);
  }

  private async refresh(): Promise<void> {
    const asked = ++this.question;
    const at = this.events.past()?.at;
    await Promise.all([this.refreshMoment(asked), this.refreshDay(asked, at)]);
    if (!this.isOpen || asked !== this.question) return;
    this.timer = window.setTimeout(() => {
      void this.refresh();
    }, EVERY);
  }

  private async refreshMoment(asked: number): Promise<void> {
    this.tick();
    if (this.events.past() !== undefined) return;
    try {
      const states = await everyAircraft();
      if (asked === this.question) this.showMoment(states, undefined);
    } catch {
      if (asked !== this.question) return;
      setText(this.now, "Current figures are temporarily unavailable.");
      this.headings(undefined);
      for (const part of [this.countries, this.altitudes]) part.replaceChildren();
    }
  }

  private async refreshDay(asked: number, at: number | undefined): Promise<void> {
    try {
      const [hours, countries] = await Promise.all([
        ask<HourOfTraffic>("hour", at),
        ask<CountryOfTraffic>("country", at),
      ]);
      if (asked !== this.question) return;
      this.showDay(hours, at);
      bars(this.dayCountries, busiestCountries(countries, MOST));
      setText(this.problem, hours.length === 0 ? "Hourly counts lag by a few minutes." : "");
    } catch (error) {
      if (asked !== this.question) return;
      for (const part of [this.day, this.dayCountries]) part.replaceChildren();
      // A network that fails has words of its own, which say no more.
      const isKnown = error instanceof Error && error.name === "Error";
      setText(this.problem, isKnown ? error.message : UNAVAILABLE);
    }
  }

  private headings(at: number | undefined): void {
    const traffic = at === undefined ? "Current traffic" : `Traffic at ${shortClock(at)}`;
    setText(this.byCountry, `${traffic} by country`);
    setText(this.byAltitude, `${traffic} by altitude`);
  }

  private showMoment(states: readonly StateVector[], at: number | undefined): void {
    const airborne = states.filter(({ on_ground }) => on_ground !== true).length;
    const where = at === undefined ? "tracked worldwide" : "in the loaded area";
    setText(
      this.now,
      `${states.length.toLocaleString("en")} aircraft ${where}, ${airborne.toLocaleString("en")} airborne`,
    );
    this.headings(at);
    bars(this.countries, byCountry(states, MOST));
    const units = this.events.units();
    const name = (metres: number): string => `${figure(metres, "altitude", units)} ${unitName("altitude", units)}`;
    bars(this.altitudes, byAltitude(states, BANDS[units], name));
  }

  private showDay(hours: readonly HourOfTraffic[], at: number | undefined): void {
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

/** What was counted in the day before a moment, Unix seconds; without one: in the last day. */
async function ask<Row>(by: string, at: number | undefined): Promise<readonly Row[]> {
  const period = at === undefined ? "" : `&from=${Math.floor(at - DAY)}&to=${Math.ceil(at)}`;
  const response = await fetchWithRetry(serverAddress(`api/v1/stats?by=${by}${period}`), { patience: PATIENCE });
  if (response.status === 404 && isProblem(response)) {
    throw new Error("This server keeps no history; only current figures are available.");
  }
  if (!response.ok) throw new Error(UNAVAILABLE);
  return ((await response.json()) as { rows: readonly Row[] }).rows;
}
