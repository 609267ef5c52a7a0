import type { ActorStatus } from "../api/types.ts";
import { clock } from "../model/time.ts";
import { span } from "../model/units.ts";
import { h, setText, show } from "../ui/dom.ts";
import { endpointOf, partOf } from "./parts.ts";
import type { Part } from "./parts.ts";
import { Sparkline } from "./sparkline.ts";
import { moment, observed, phaseName, Rate, tone } from "./vitals.ts";

import "./actor-card.css";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const format = (value: number): string =>
  value >= 100 || Number.isInteger(value) ? whole.format(value) : value.toFixed(1);

/** Sends a test message to an endpoint, and says what happened. */
export type EndpointTest = (endpoint: string) => Promise<string>;

/** One actor: its phase, charts and facts, and a button to restart it; that of an endpoint also a button to test it. */
export class ActorCard {
  private readonly part: Part;
  private readonly does = h("p", { class: "does" });
  private readonly phase = h("span", { class: "phase" });
  private readonly lists = new Map<string, HTMLElement>();
  private readonly error = h("p", { class: "error", tabindex: "0" });
  private readonly rate = new Rate();
  private readonly work: Sparkline | undefined;
  private readonly queue: Sparkline | undefined;
  private readonly facts = h("dl", { class: "facts" });
  readonly element: HTMLElement;

  constructor(name: string, onRestart: (title: string) => void, onTest: EndpointTest) {
    this.part = partOf(name);
    const { title, does, work, queue } = this.part;
    setText(this.does, does);
    this.work = work === undefined ? undefined : new Sparkline(work.label, format);
    this.queue = queue === undefined ? undefined : new Sparkline(queue.label, format);
    this.element = h(
      "article",
      { class: "actor", "data-actor": name, "aria-label": title },
      h("header", {}, h("h2", {}, title), this.phase),
      this.does,
      this.work?.element,
      this.queue?.element,
      this.facts,
      this.error,
      this.testOf(endpointOf(name), title, onTest),
      h(
        "button",
        {
          type: "button",
          class: "button small",
          "aria-label": `Restart ${title}`,
          click: () => {
            onRestart(title);
          },
        },
        "Restart …",
      ),
    );
  }

  /** The button that tests an endpoint, and the outcome of the last test; `undefined` for other actors. */
  private testOf(endpoint: string | undefined, title: string, onTest: EndpointTest): HTMLElement | undefined {
    if (endpoint === undefined) return undefined;
    const outcome = h("p", { class: "does", role: "status" });
    const button = h(
      "button",
      {
        type: "button",
        class: "button small",
        "aria-label": `Send test message, ${title}`,
        click: () => {
          button.disabled = true;
          setText(outcome, "Sending …");
          void onTest(endpoint).then((text) => {
            setText(outcome, text);
            button.disabled = false;
          });
        },
      },
      "Send test message",
    );
    return h("div", { class: "test" }, outcome, button);
  }

  /** Says what the actor does, where that depends on the configuration. */
  describe(does: string): void {
    setText(this.does, does);
  }

  /** Shows the latest vitals. */
  update(actor: ActorStatus, now: number): void {
    this.element.dataset["tone"] = tone(actor.phase);
    this.element.dataset["phase"] = actor.phase;
    const isFinal = actor.phase === "finished";
    setText(this.phase, phaseName(actor.phase) + (isFinal ? "" : ` for ${span(now - actor.since)}`));
    for (const [label, text] of this.part.facts) this.fact(label, text(actor));
    this.fact("Restarts", whole.format(actor.restarts));
    this.fact("Last activity", moment(actor.last_progress, now));
    const { last_error } = actor;
    show(this.error, last_error !== null);
    setText(this.error, last_error === null ? "" : `${clock(last_error.at)}: ${last_error.message}`);
  }

  /** Adds the values of one more second to the charts. */
  sample(actor: ActorStatus, at: number): void {
    const { work, queue } = this.part;
    if (work !== undefined) {
      const value = observed(actor, work.field);
      this.work?.push(work.counts ? this.rate.take(value, at) : value);
    }
    if (queue === undefined || this.queue === undefined) return;
    const waiting = observed(actor, queue.field);
    show(this.queue.element, waiting !== undefined || this.queue.series.last !== null);
    this.queue.push(waiting);
  }

  private fact(label: string, text: string | undefined): void {
    if (text === undefined) return;
    let value = this.lists.get(label);
    if (value === undefined) {
      value = h("dd");
      this.lists.set(label, value);
      this.facts.append(h("div", {}, h("dt", {}, label), value));
    }
    setText(value, text);
  }

  /** Redraws the charts, in the colours of the theme. */
  draw(): void {
    this.work?.draw();
    this.queue?.draw();
  }
}
