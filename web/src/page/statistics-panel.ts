import { busiestCountries, byAltitude, byCountry, wholeDay } from "../model/statistics.ts";
import type { CountryOfTraffic, HourOfTraffic, Share } from "../model/statistics.ts";
import { shortClock } from "../model/time.ts";
import { figure, unitName } from "../model/units.ts";
import type { UnitSystem } from "../model/units.ts";
import type { StateVector } from "../stream/index.ts";
import { serverAddress } from "./base.ts";
import { h, icon, setText } from "./dom.ts";
import { everyAircraft } from "./server.ts";

/** How often it is asked while it is looked at. */
const EVERY = 30_000;
const PATIENCE = 10_000;
const MOST = 8;
/** How high a band of altitudes is, m: a round figure in the unit that is shown. */
const BANDS = { aeronautical: 3_048, imperial: 3_048, metric: 3_000 } as const;

/** How many aircraft there are now and were over the day. */
export class StatisticsPanel {
  private readonly now = h("p", { class: "subtitle" });
  private readonly countries = h("div");
  private readonly altitudes = h("div");
  private readonly day = h("div");
  private readonly dayCountries = h("div");
  private readonly problem = h("p", { class: "note", role: "status" });
  private timer: number | undefined;
  private isOpen = false;
  readonly element: HTMLElement;

  constructor(
    private readonly units: () => UnitSystem,
    onClose: () => void,
  ) {
    this.element = h(
      "section",
      { class: "panel statistics", "aria-labelledby": "statistics-title" },
      h(
        "header",
        {},
        h("div", {}, h("h2", { id: "statistics-title" }, "Statistics"), this.now),
        h(
          "button",
          { type: "button", class: "plain-button", "aria-label": "Close the statistics", click: onClose },
          icon("close"),
        ),
      ),
      h("h3", {}, "Now, by country"),
      this.countries,
      h("h3", {}, "Now, by altitude"),
      this.altitudes,
      h("h3", {}, "Aircraft in each hour of the last day"),
      this.day,
      h("h3", {}, "The last day, by country: most in an hour"),
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

  private async refresh(): Promise<void> {
    const everything = everyAircraft().then((states) => {
      this.showNow(states);
    });
    const past = Promise.all([ask<HourOfTraffic>("hour"), ask<CountryOfTraffic>("country")]);
    try {
      const [hours, countries] = await past;
      this.showDay(hours);
      bars(this.dayCountries, busiestCountries(countries, MOST));
      setText(this.problem, hours.length === 0 ? "The hours are counted some minutes behind the live picture." : "");
    } catch (error) {
      setText(this.problem, error instanceof Error ? error.message : String(error));
    }
    await everything;
    if (!this.isOpen) return;
    this.timer = window.setTimeout(() => {
      void this.refresh();
    }, EVERY);
  }

  private showNow(states: readonly StateVector[]): void {
    const flying = states.filter(({ on_ground }) => on_ground !== true).length;
    setText(
      this.now,
      `${states.length.toLocaleString("en")} aircraft in the world now, ${flying.toLocaleString("en")} of them in the air`,
    );
    bars(this.countries, byCountry(states, MOST));
    const units = this.units();
    const name = (metres: number): string => `${figure(metres, "altitude", units)} ${unitName("altitude", units)}`;
    bars(this.altitudes, byAltitude(states, BANDS[units], name));
  }

  private showDay(hours: readonly HourOfTraffic[]): void {
    const day = wholeDay(hours, Date.now() / 1000);
    const highest = Math.max(1, ...day.map(({ aircraft }) => aircraft));
    this.day.replaceChildren(
      h(
        "ol",
        { class: "hours", "aria-label": "Aircraft by hour" },
        ...day.map(({ hour, aircraft }) => {
          const text = `${shortClock(hour)}: ${aircraft.toLocaleString("en")}`;
          const bar = h("span", { class: "hour-bar" });
          bar.style.height = `${(aircraft / highest) * 100}%`;
          return h("li", { title: text }, bar, h("span", { class: "unseen" }, text));
        }),
      ),
      h(
        "p",
        { class: "marks" },
        h("span", {}, shortClock(day[0]?.hour ?? 0)),
        h("span", {}, `up to ${highest.toLocaleString("en")}`),
        h("span", {}, "now"),
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

async function ask<Row>(by: string): Promise<readonly Row[]> {
  const response = await fetch(serverAddress(`api/v1/stats?by=${by}`), { signal: AbortSignal.timeout(PATIENCE) });
  if (response.status === 404) throw new Error("This server stores nothing, so it knows no more than the present.");
  if (!response.ok) throw new Error("The statistics cannot be read at the moment.");
  return ((await response.json()) as { rows: readonly Row[] }).rows;
}
