import type { Feature } from "geojson";

import { altitude, isPositionOld, positionAge, title } from "../model/aircraft.ts";
import { alertText, isEmergency } from "../model/alerts.ts";
import { css, EMERGENCY } from "../model/colours.ts";
import type { Rgb } from "../model/colours.ts";
import { labelFacts } from "../model/facts.ts";
import { latitudeAt, mercatorY } from "../model/geometry.ts";
import { hash, spread } from "../model/labels.ts";
import { altitudeText, figure, span, unitName } from "../model/units.ts";
import type { Box, StateVector } from "../stream/index.ts";
import type { Scene } from "./aircraft-map.ts";

/** Labels appear from this zoom level, for at most this many aircraft in view. */
export const LABELS_FROM = 6.5;
const MAX_LABELS = 150;
/** The side of the squares that each have one label before any has two, CSS pixels. */
const SQUARE = 96;
/** The texts of emergencies and other alerts. On the dark map, the symbol's red is too dark to read. */
const TEXTS: Readonly<Record<"light" | "dark", { readonly emergency: Rgb; readonly alert: Rgb }>> = {
  light: { emergency: EMERGENCY, alert: [154, 98, 0] },
  dark: { emergency: [255, 122, 128], alert: [229, 176, 74] },
};

/** The part of the map in view. */
export interface LabelView {
  readonly box: Box;
  readonly zoom: number;
  readonly theme: "light" | "dark";
}

interface Placed {
  readonly icao24: string;
  readonly state: StateVector;
  readonly x: number;
  readonly y: number;
}

/** The labels of the map: always of the selected aircraft and those with alerts, of others where there is room. */
export class Labels {
  private before: ReadonlySet<string> = new Set();
  private isEmpty = true;

  /** The labels; `undefined` where there are still none, so that none are laid out. */
  features(
    scene: Scene,
    view: LabelView,
    place: (state: StateVector) => { x: number; y: number } | undefined,
  ): Feature[] | undefined {
    const { ringed, others } = this.inView(scene, view, place);
    // Squares of whole zoom levels stay the same while the zoom changes a little.
    const square = SQUARE / (512 * 2 ** Math.round(view.zoom));
    const chosen = spread(others, MAX_LABELS, square, this.before);
    this.before = new Set(chosen.map(({ icao24 }) => icao24));
    const features = [...ringed, ...chosen].map((placed) =>
      feature(placed, ringed.includes(placed), scene, view.theme),
    );
    const hadNone = this.isEmpty;
    this.isEmpty = features.length === 0;
    return this.isEmpty && hadNone ? undefined : features;
  }

  private inView(
    { states, selected, alerts }: Scene,
    { box: { west, east, north, south }, zoom }: LabelView,
    place: (state: StateVector) => { x: number; y: number } | undefined,
  ): { ringed: Placed[]; others: Placed[] } {
    const [top, bottom] = [mercatorY(north), mercatorY(south)];
    const [ringed, others]: [Placed[], Placed[]] = [[], []];
    for (const state of states) {
      const { icao24 } = state;
      const always = icao24 === selected || alerts.has(icao24);
      if (zoom < LABELS_FROM && !always) continue;
      const at = place(state);
      if (at === undefined || at.y < top || at.y > bottom) continue;
      const lon = at.x * 360 - 180;
      if (lon + 360 * Math.ceil((west - lon) / 360) > east) continue;
      (always ? ringed : others).push({ icao24, state, x: at.x, y: at.y });
    }
    return { ringed, others };
  }
}

function feature({ icao24, state, x, y }: Placed, ringed: boolean, scene: Scene, theme: "light" | "dark"): Feature {
  const alerts = scene.alerts.get(icao24);
  const plain = theme === "light" ? "#20303e" : "#d6e0e8";
  return {
    type: "Feature",
    properties: {
      text: [text(state, scene), ...(alerts ?? []).map(alertText)].join("\n"),
      colour: alerts === undefined ? plain : css(TEXTS[theme][alerts.some(isEmergency) ? "emergency" : "alert"]),
      // Ringed aircraft come first; the others keep a constant order.
      ringed,
      rank: ringed ? 0 : 1 + hash(icao24),
    },
    geometry: { type: "Point", coordinates: [x * 360 - 180, latitudeAt(y)] },
  };
}

function text(state: StateVector, { units, answeredAt, now, facts, labels }: Scene): string {
  const who = labelFacts(facts.get(state.icao24), labels);
  const name = who === "" ? title(state) : `${title(state)}\n${who}`;
  if (isPositionOld(state, answeredAt)) return `${name}\nposition ${span(positionAge(state, now))} old`;
  const level = state.on_ground === true ? "ground" : altitude(state) === null ? "" : altitudeText(state, units);
  const speed = state.velocity === null ? "" : `${figure(state.velocity, "speed", units)} ${unitName("speed", units)}`;
  return `${name}\n${[level, speed].filter(Boolean).join(" · ")}`;
}
