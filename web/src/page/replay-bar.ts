import { coverageAt, gapSentence, shades } from "../model/coverage.ts";
import { SPEEDS } from "../model/link.ts";
import { dateAndClock } from "../model/time.ts";
import { span } from "../model/units.ts";
import { h, icon, setText } from "../ui/dom.ts";
import { CoverageLoader } from "./coverage-loader.ts";
import type { Player } from "./player.ts";
import type { PageStore } from "./state.ts";
import type { Traffic } from "./traffic.ts";

import "./replay-bar.css";

const HOUR = 3600;
const SPANS = [
  [HOUR, "last hour"],
  [6 * HOUR, "last 6 hours"],
  [24 * HOUR, "last day"],
  [7 * 24 * HOUR, "last week"],
  [30 * 24 * HOUR, "last 30 days"],
] as const;

/** The controls of a replay: time, range, speed. */
export class ReplayBar {
  private readonly moment = h("output", { class: "moment", for: "replay-time" });
  private readonly note = h("span", { class: "note", role: "status" });
  private readonly slider = h("input", {
    type: "range",
    id: "replay-time",
    "aria-label": "Replay time",
    step: "1",
    input: () => {
      this.dragging = true;
      this.showMoment(Number(this.slider.value));
    },
    change: () => {
      this.dragging = false;
      this.traffic.seek(Number(this.slider.value));
    },
  });
  private readonly span = h(
    "select",
    {
      "aria-label": "Range",
      change: () => {
        this.stretch();
      },
    },
    ...SPANS.map(([seconds, name]) => h("option", { value: String(seconds) }, name)),
  );
  private readonly speed = h(
    "select",
    {
      "aria-label": "Speed",
      change: () => {
        if (this.player !== undefined) this.player.speed = Number(this.speed.value);
      },
    },
    ...SPEEDS.map((speed) => h("option", { value: String(speed) }, `${speed}×`)),
  );
  private readonly toggle = h("button", {
    type: "button",
    class: "button",
    click: () => {
      this.player?.play(!this.player.isPlaying);
    },
  });
  /** The times in which no source answered, below the slider. */
  private readonly gaps = h("div", { class: "gaps", title: "Marked: no data was collected", "aria-hidden": "true" });
  private readonly coverage: CoverageLoader;
  private shaded = "";
  private dragging = false;
  private player: Player | undefined;
  readonly element = h(
    "section",
    { class: "replay-bar", "aria-label": "Replay" },
    this.toggle,
    this.moment,
    h("div", { class: "timeline" }, this.slider, this.gaps),
    this.span,
    this.speed,
    h(
      "button",
      {
        type: "button",
        class: "button",
        click: () => {
          this.traffic.goLive();
        },
      },
      icon("close"),
      "Live",
    ),
    this.note,
  );

  constructor(
    private readonly store: PageStore,
    private readonly traffic: Traffic,
  ) {
    this.element.hidden = true;
    this.coverage = new CoverageLoader(store);
    // A jump may lie outside the range.
    store.on(["player", "jumps"], ({ player }) => {
      this.show(player);
    });
    store.on(["step", "coverage"], () => {
      this.update();
    });
  }

  private show(player: Player | undefined): void {
    this.player = player;
    this.element.hidden = player === undefined;
    if (player === undefined) {
      this.coverage.stop();
      return;
    }
    this.speed.value = String(player.speed);
    const ago = Date.now() / 1000 - player.at;
    const fitting = SPANS.find(([seconds]) => ago <= seconds) ?? SPANS.at(-1);
    if (fitting !== undefined && ago > Number(this.span.value)) this.span.value = String(fitting[0]);
    this.stretch();
    this.update();
  }

  private update(): void {
    const { player } = this;
    if (player === undefined) return;
    setText(this.toggle, player.isPlaying ? "Pause" : "Play");
    if (!this.dragging) {
      this.stretch();
      this.slider.value = String(Math.floor(player.at));
      this.showMoment(player.at);
    }
    const { state } = player;
    const { gap } = coverageAt(this.store.state.coverage, player.at);
    const missing = gap === undefined ? "" : gapSentence(gap);
    const notes = {
      playing: missing,
      paused: missing,
      loading: "Loading …",
      ended: "End of the recording. Choose Live to return to current traffic.",
    };
    setText(this.note, state.kind === "failed" ? state.reason : notes[state.kind]);
  }

  /** Fits the slider to the chosen range, which ends at the present. */
  private stretch(): void {
    const now = Math.floor(Date.now() / 1000);
    const seconds = Number(this.span.value);
    this.slider.max = String(now);
    this.slider.min = String(now - seconds);
    this.coverage.show(seconds);
    this.shade(now - seconds, now);
  }

  private shade(from: number, to: number): void {
    const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)}%`;
    const parts = shades(this.store.state.coverage, from, to).map(
      ({ start, length }) => [percent(start), percent(length)] as const,
    );
    if (parts.join() === this.shaded) return;
    this.shaded = parts.join();
    this.gaps.replaceChildren(
      ...parts.map(([left, width]) => {
        const gap = h("span");
        gap.style.left = left;
        gap.style.width = width;
        return gap;
      }),
    );
  }

  private showMoment(at: number): void {
    const text = dateAndClock(at);
    setText(this.moment, text);
    const { gap } = coverageAt(this.store.state.coverage, at);
    const contents = gap === undefined ? "" : ", no data";
    this.slider.setAttribute("aria-valuetext", `${text}, ${span(Date.now() / 1000 - at)} ago${contents}`);
  }
}
