import type { Health, ServerStatus } from "../model/health.ts";
import { span } from "../model/units.ts";
import { h, setText } from "./dom.ts";

/** How the picture is: one word with its colour, its age, the credits that are left and the stream's lag. */
export class StatusView {
  private readonly headline = h("span", { class: "headline" });
  private readonly age = h("span", { class: "fact", title: "How long ago the source gave its newest answer" });
  private readonly credits = h("span", { class: "fact wide", title: "Requests that OpenSky still allows today" });
  private readonly lag = h("span", { class: "fact wide", title: "How long the newest event was on its way" });
  private readonly count = h("span", { class: "fact", title: "Aircraft that are shown, of those that are known here" });
  private readonly explanation = h("p", { class: "explanation", id: "explanation" });
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
    facts: { ageSeconds: number | undefined; lagMs: number | undefined; shown: number; held: number },
    status: ServerStatus | undefined,
  ): void {
    this.element.dataset["tone"] = health.tone;
    setText(this.headline, health.headline);
    setText(this.explanation, health.explanation);
    if (this.said !== health.headline) {
      this.said = health.headline;
      setText(this.spoken, `${health.headline}. ${health.explanation}`);
    }
    setText(this.age, facts.ageSeconds === undefined ? "" : `${span(facts.ageSeconds)} old`);
    const { shown, held } = facts;
    setText(this.count, shown === held ? `${number(held)} aircraft` : `${number(shown)} of ${number(held)} aircraft`);
    const credits = status?.source?.credits_left ?? null;
    setText(this.credits, credits === null ? "" : `${number(credits)} credits left today`);
    // Both clocks have to be right for it to mean something.
    const { lagMs } = facts;
    setText(this.lag, lagMs === undefined || lagMs < -1000 ? "" : `lag ${(Math.max(0, lagMs) / 1000).toFixed(1)} s`);
  }
}

const number = (value: number): string => value.toLocaleString("en");
