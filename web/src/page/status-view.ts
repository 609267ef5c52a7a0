import { facts as factsOf } from "../model/health.ts";
import type { Health, ServerStatus } from "../model/health.ts";
import { span } from "../model/units.ts";
import { h, setText } from "./dom.ts";

/** How current the picture is: a headline with its colour, the age, the credits left and the delivery delay. */
export class StatusView {
  private readonly headline = h("span", { class: "headline" });
  private readonly age = h("span", { class: "fact", title: "Time since OpenSky's last update" });
  private readonly credits = h("span", { class: "fact wide", title: "OpenSky credits left today" });
  private readonly lag = h("span", { class: "fact wide", title: "Delivery delay of the latest event" });
  private readonly count = h("span", { class: "fact", title: "Aircraft shown, of those loaded for this area" });
  private readonly why = h("p");
  private readonly figures = h("ul", { class: "figures" });
  private readonly explanation = h("div", { class: "explanation", id: "explanation" }, this.why, this.figures);
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
  private said = "";
  private figured = "";
  /** What is read out when the state changes, and only then. */
  private readonly spoken = h("p", { class: "unseen", role: "status" });
  readonly element = h(
    "div",
    { class: "status-area" },
    this.toggle,
    this.count,
    this.credits,
    this.lag,
    this.explanation,
    this.spoken,
  );

  constructor() {
    this.open(false);
  }

  private open(open: boolean): void {
    this.explanation.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
  }

  /** Closes the explanation; the answer is whether it was open. */
  close(): boolean {
    const wasOpen = !this.explanation.hidden;
    this.open(false);
    return wasOpen;
  }

  update(
    health: Health,
    facts: {
      now: number;
      ageSeconds: number | undefined;
      lagMs: number | undefined;
      shown: number;
      /** `undefined` while nothing was loaded yet. */
      held: number | undefined;
    },
    status: ServerStatus | undefined,
  ): void {
    this.element.dataset["tone"] = health.tone;
    setText(this.headline, health.headline);
    setText(this.why, health.explanation);
    const figures = factsOf(status, facts.lagMs, facts.now);
    if (figures.join() !== this.figured) {
      this.figured = figures.join();
      this.figures.replaceChildren(...figures.map((text) => h("li", {}, text)));
    }
    // The age in the headline grows all the time, which is not read out again.
    const kind = health.headline.replaceAll(/\d+/g, "");
    if (this.said !== kind) {
      this.said = kind;
      setText(this.spoken, `${health.headline}. ${health.explanation}`);
    }
    const { ageSeconds } = facts;
    const isTold = ageSeconds === undefined || health.headline.includes(" old");
    setText(this.age, isTold ? "" : `${span(ageSeconds)} old`);
    const { shown, held } = facts;
    const all = held === undefined ? "" : `${number(held)} aircraft`;
    setText(this.count, held === undefined || shown === held ? all : `${number(shown)} of ${all}`);
    const credits = status?.source?.credits_left ?? null;
    setText(this.credits, credits === null ? "" : `${number(credits)} credits left today`);
    // Both clocks have to be right for it to mean something.
    const { lagMs } = facts;
    setText(this.lag, lagMs === undefined || lagMs < -1000 ? "" : `delay ${(Math.max(0, lagMs) / 1000).toFixed(1)} s`);
  }
}

const number = (value: number): string => value.toLocaleString("en");
