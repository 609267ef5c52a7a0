import { credits, facts, sourceLines } from "../model/sources.ts";
import type { SourceLine } from "../model/sources.ts";
import { span } from "../model/units.ts";
import { h, setText } from "../ui/dom.ts";
import { healthOf } from "./page-health.ts";
import type { PageState, PageStore } from "./state.ts";

import "./status-view.css";

/** The status of the picture: a headline with its colour, the age, the credits left and the delivery delay. */
export class StatusView {
  private readonly headline = h("span", { class: "headline" });
  private readonly age = h("span", { class: "fact", title: "Time since the last update" });
  private readonly credits = h("span", { class: "fact wide" });
  private readonly lag = h("span", { class: "fact wide", title: "Delivery delay of the latest event" });
  private readonly count = h("span", { class: "fact", title: "Aircraft shown, of those loaded for this area" });
  private readonly why = h("p");
  private readonly sources = h("ul", { class: "sources", "aria-label": "Sources", tabindex: "0" });
  private readonly figures = h("ul", { class: "figures" });
  private readonly explanation = h(
    "div",
    { class: "explanation", id: "explanation" },
    this.why,
    this.sources,
    this.figures,
  );
  private readonly toggle = h(
    "button",
    {
      type: "button",
      class: "status",
      "aria-expanded": "false",
      "aria-controls": "explanation",
      click: () => {
        this.open(this.explanation.hidden);
      },
    },
    h("span", { class: "lamp", "aria-hidden": "true" }),
    this.headline,
    this.age,
  );
  private announced = "";
  private listed = "";
  private listedSources = "";
  /** Screen readers read it out when the status changes. */
  private readonly announcement = h("p", { class: "unseen", role: "status" });
  readonly element = h(
    "div",
    { class: "status-area" },
    this.toggle,
    this.count,
    this.credits,
    this.lag,
    this.explanation,
    this.announcement,
  );

  constructor(store: PageStore) {
    this.open(false);
    store.on(["connection", "status", "traffic", "shown", "player", "coverage", "settings", "tick"], (state) => {
      this.update(state);
    });
    this.update(store.state);
  }

  private open(open: boolean): void {
    this.explanation.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
  }

  /** Closes the explanation. Returns whether it was open. */
  close(): boolean {
    const wasOpen = !this.explanation.hidden;
    this.open(false);
    return wasOpen;
  }

  private update(state: PageState): void {
    const { traffic, status, player, shown } = state;
    const health = healthOf(state);
    const now = Date.now() / 1000;
    this.element.dataset["tone"] = health.tone;
    document.body.dataset["tone"] = health.tone;
    setText(this.headline, health.headline);
    setText(this.why, health.explanation);
    const lagMs = player === undefined ? traffic.lagMs : undefined;
    const figures = facts(status, lagMs, now);
    if (figures.join() !== this.listed) {
      this.listed = figures.join();
      this.figures.replaceChildren(...figures.map((text) => h("li", {}, text)));
    }
    const lines = sourceLines(status, now);
    const texts = JSON.stringify(lines);
    if (texts !== this.listedSources) {
      this.listedSources = texts;
      this.sources.replaceChildren(...lines.map(sourceItem));
    }
    // The growing age in the headline is not read out again.
    const kind = health.headline.replaceAll(/\d+/g, "");
    if (this.announced !== kind) {
      this.announced = kind;
      setText(this.announcement, `${health.headline}. ${health.explanation}`);
    }
    const { observedAt } = traffic;
    const isOmitted = player !== undefined || observedAt === undefined || health.headline.includes(" old");
    setText(this.age, isOmitted ? "" : `${span(now - observedAt)} old`);
    const all = `${number(traffic.held.length)} aircraft`;
    const some = shown.length === traffic.held.length ? all : `${number(shown.length)} of ${all}`;
    setText(this.count, traffic.isLoaded ? some : "");
    const [account] = credits(status);
    setText(this.credits, account === undefined ? "" : `${number(account.left)} credits left today`);
    this.credits.title = account === undefined ? "" : `${account.name} credits left today`;
    // Only meaningful where both clocks are right.
    setText(this.lag, lagMs === undefined || lagMs < -1000 ? "" : `delay ${(Math.max(0, lagMs) / 1000).toFixed(1)} s`);
  }
}

const number = (value: number): string => value.toLocaleString("en");

function sourceItem({ name, tone, aircraft, notes }: SourceLine): HTMLElement {
  return h(
    "li",
    { "data-tone": tone },
    h("p", {}, h("span", { class: "lamp", "aria-hidden": "true" }), h("strong", {}, name), h("span", {}, aircraft)),
    h("p", { class: "notes" }, notes.join(" · ")),
  );
}
