import { Series } from "./vitals.ts";
import { h, setText } from "../ui/dom.ts";

import "./sparkline.css";

const HEIGHT = 34;

/** A small live chart of the last two minutes, scaled from 0 to the maximum. */
export class Sparkline {
  readonly series = new Series();
  private readonly canvas = h("canvas", { class: "spark", "aria-hidden": "true" });
  private readonly figure = h("strong", {}, "–");
  readonly element: HTMLElement;

  constructor(
    label: string,
    private readonly show: (value: number) => string,
  ) {
    this.element = h("div", { class: "figure" }, h("p", {}, h("span", {}, label), this.figure), this.canvas);
    new ResizeObserver(() => {
      this.draw();
    }).observe(this.canvas);
  }

  push(value: number | undefined): void {
    this.series.push(value);
    const { last } = this.series;
    setText(this.figure, last === null ? "–" : this.show(last));
    this.draw();
  }

  /** Draws the chart in the colours of the theme. */
  draw(): void {
    const { canvas } = this;
    const width = canvas.clientWidth;
    const context = canvas.getContext("2d");
    if (width === 0 || context === null) return;
    const scale = window.devicePixelRatio;
    [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(HEIGHT * scale)];
    context.scale(scale, scale);
    const style = getComputedStyle(canvas);
    const { values } = this.series;
    const highest = Math.max(1e-9, ...values.map((value) => value ?? 0));
    const x = (index: number): number => width - ((values.length - 1 - index) / (Series.LENGTH - 1)) * width;
    const y = (value: number): number => HEIGHT - 2 - (value / highest) * (HEIGHT - 5);
    context.strokeStyle = style.getPropertyValue("--line");
    context.beginPath();
    context.moveTo(0, HEIGHT - 1.5);
    context.lineTo(width, HEIGHT - 1.5);
    context.stroke();
    context.strokeStyle = style.getPropertyValue("--accent");
    context.lineWidth = 1.5;
    context.lineJoin = "round";
    context.beginPath();
    values.forEach((value, index) => {
      if (value === null) return;
      if (index === 0 || values[index - 1] === null) context.moveTo(x(index), y(value));
      else context.lineTo(x(index), y(value));
    });
    context.stroke();
  }
}
