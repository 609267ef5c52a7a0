import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { clock, hourAndMinute, zoneName } from "../model/time.ts";
import { inUnit, unitName } from "../model/units.ts";
import type { UnitSystem } from "../model/units.ts";
import { h } from "../ui/dom.ts";
import type { Track } from "./track.ts";

import "./chart.css";

const HEIGHT = 160;

/** Altitude and speed over time. */
export class Chart {
  readonly element = h("div", { class: "chart", role: "img" });
  private plot: uPlot | undefined;
  private units: UnitSystem | undefined;

  constructor() {
    // The width is unknown until the chart is shown, and changes with the window.
    new ResizeObserver(() => {
      const width = this.element.clientWidth;
      if (width > 0) this.plot?.setSize({ width, height: HEIGHT });
    }).observe(this.element);
  }

  update(track: Track, units: UnitSystem): void {
    const data: uPlot.AlignedData = [
      track.map(({ time }) => time),
      track.map(({ altitude, onGround }) =>
        onGround === true ? 0 : altitude === null ? null : inUnit(altitude, "altitude", units),
      ),
      track.map(({ velocity }) => (velocity === null ? null : inUnit(velocity, "speed", units))),
    ];
    const altitudes = track.flatMap(({ altitude }) => altitude ?? []);
    this.element.setAttribute(
      "aria-label",
      `Altitude and speed over time: ${track.length} positions, up to ${Math.round(inUnit(Math.max(0, ...altitudes), "altitude", units))} ${unitName("altitude", units)}`,
    );
    if (this.plot !== undefined && this.units === units) {
      this.plot.setData(data);
      return;
    }
    this.plot?.destroy();
    this.units = units;
    this.plot = new uPlot(this.options(units), data, this.element);
  }

  private options(units: UnitSystem): uPlot.Options {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const axis = {
      stroke: () => colour("--quiet"),
      grid: { stroke: () => colour("--line"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui",
    };
    return {
      width: Math.max(this.element.clientWidth, 200),
      height: HEIGHT,
      cursor: { y: false, drag: { setScale: false } },
      legend: { live: true },
      scales: {
        altitude: { range: (_, __, highest) => [0, Math.max(highest, 1) * 1.08] },
        speed: { range: (_, __, highest) => [0, Math.max(highest, 1) * 1.25] },
      },
      series: [
        {
          label: "Time",
          value: legendValue((time) => clock(time)),
        },
        {
          label: `Altitude (${unitName("altitude", units)})`,
          scale: "altitude",
          stroke: () => colour("--accent"),
          width: 2,
          points: { show: false },
          value: legendValue(whole),
        },
        {
          label: `Speed (${unitName("speed", units)})`,
          scale: "speed",
          stroke: () => colour("--second"),
          width: 1.5,
          dash: [5, 3],
          points: { show: false },
          value: legendValue(whole),
        },
      ],
      axes: [
        {
          ...axis,
          size: 26,
          space: 60,
          // The labels have no seconds.
          incrs: [1, 5, 10, 15, 30, 60, 120].map((minutes) => minutes * 60),
          values: (_, times) =>
            // The first label names the zone.
            times.map((time, i) => (i === 0 ? `${hourAndMinute(time)} ${zoneName(time)}` : hourAndMinute(time))),
        },
        { ...axis, scale: "altitude", size: 52 },
        // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- uPlot's enum exists for the compiler only
        { ...axis, scale: "speed", side: 1, size: 40, grid: { show: false } },
      ],
    };
  }
}

/** The legend shows the value at the pointer, or the latest one. */
function legendValue(text: (value: number) => string): uPlot.Series.Value {
  return (plot, value: number | null, series, index) => {
    const shown = (index === null ? plot.data[series]?.at(-1) : value) ?? null;
    return shown === null ? "–" : text(shown);
  };
}

const whole = (value: number): string => Math.round(value).toLocaleString("en");
