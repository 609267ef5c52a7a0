import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import maplibre from "maplibre-gl/dist/maplibre-gl-csp.js";
import workerUrl from "maplibre-gl/dist/maplibre-gl-csp-worker.js?url";
import "maplibre-gl/dist/maplibre-gl.css";
import "./map.css";

import type { KnownAircraft } from "../api/types.ts";
import { altitude, isPositionOld, opacity, positionAge, shape, title } from "../model/aircraft.ts";
import { isEmergency } from "../model/alerts.ts";
import type { ActiveAlerts } from "../model/alerts.ts";
import { ALERT, altitudeColour, EMERGENCY, UNKNOWN } from "../model/colours.ts";
import type { Rgb } from "../model/colours.ts";
import { isMilitary, labelFacts } from "../model/facts.ts";
import type { LabelFacts } from "../model/facts.ts";
import { MAX_LATITUDE, mercatorVelocity, mercatorX, mercatorY, wrapLongitude } from "../model/geometry.ts";
import type { View } from "../model/link.ts";
import { extrapolationTime } from "../model/motion.ts";
import { noseOf, sizeOf } from "../model/shapes.ts";
import { span } from "../model/units.ts";
import type { UnitSystem } from "../model/units.ts";
import type { Box, StateVector } from "../stream/index.ts";
import { AircraftLayer } from "./aircraft-layer.ts";
import type { Symbol } from "./aircraft-layer.ts";
import { Attribution } from "./attribution.ts";
import type { Provider } from "./attribution.ts";
import { BASE_MAP, loadBaseMap } from "./base-map.ts";
import { Labels, LABELS_FROM } from "./labels.ts";
import { eachColour, PALETTES, style } from "./style.ts";
import { segments } from "./trail-lines.ts";
import type { TrailPoint } from "./trail-lines.ts";

/** What to draw, and how. */
export interface Scene {
  readonly states: readonly StateVector[];
  readonly selected: string | undefined;
  readonly alerts: ActiveAlerts;
  /** The time of the picture, Unix seconds: aircraft fade by the age of their position at it. */
  readonly observedAt: number;
  /** When the source answered, Unix seconds: positions age up to it; `undefined`: each state has its own. */
  readonly answeredAt: number | undefined;
  /** Unix seconds */
  readonly now: number;
  readonly units: UnitSystem;
  /** What is known about aircraft in addition to their states, by ICAO address. */
  readonly facts: ReadonlyMap<string, KnownAircraft>;
  /** What of that labels have. */
  readonly labels: LabelFacts;
  /** Whether positions are estimated between reports. */
  readonly isExtrapolating: boolean;
}

export interface MapEvents {
  /** An aircraft was clicked or tapped; `undefined`: the empty map. */
  readonly onSelect: (icao24: string | undefined) => void;
  /** The view has stopped moving. */
  readonly onView: () => void;
  /** The user has dragged the map. */
  readonly onGrab: () => void;
  /** The map cannot be drawn. */
  readonly onError: (message: string) => void;
}

/** How far from an aircraft a click still selects it, CSS pixels. */
const REACH = { mouse: 14, touch: 26 };
const ACCENT: Rgb = [255, 170, 0];
/** The mark of military aircraft, relative to an airliner. */
const MARK = 0.36;
const MARK_COLOURS: Readonly<Record<"light" | "dark", Rgb>> = { light: [24, 34, 44], dark: [240, 244, 248] };

maplibre.setWorkerUrl(workerUrl);
maplibre.addProtocol(BASE_MAP, loadBaseMap);

/** The map with its aircraft. */
export class AircraftMap {
  private readonly map: MapLibre;
  private readonly aircraft = new AircraftLayer("aircraft");
  private scene: Scene = {
    states: [],
    selected: undefined,
    alerts: new Map(),
    observedAt: 0,
    answeredAt: 0,
    now: 0,
    units: "aeronautical",
    facts: new Map(),
    labels: { registration: false, type: false },
    isExtrapolating: false,
  };
  private theme: "light" | "dark";
  private loaded = false;
  private trail: readonly TrailPoint[] = [];
  private labelTimer: number | undefined;
  private readonly labels = new Labels();
  private readonly attribution = new Attribution();

  constructor(container: HTMLElement, view: View, theme: "light" | "dark", events: MapEvents) {
    this.theme = theme;
    this.map = new maplibre.Map({
      container,
      style: style(PALETTES[theme]),
      center: [view.lon, view.lat],
      zoom: view.zoom,
      minZoom: 0.8,
      maxZoom: 12,
      maxPitch: 0,
      dragRotate: false,
      pitchWithRotate: false,
      attributionControl: false,
      fadeDuration: 0,
      locale: { "Map.Title": "Map of the aircraft" },
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.addControl(this.attribution, "bottom-right");
    this.map.addControl(new maplibre.ScaleControl({ maxWidth: 90 }), "bottom-right");
    this.map.addControl(new maplibre.NavigationControl({ showCompass: false }), "bottom-right");
    this.setTheme(theme);
    // Runs before the base map has loaded, and again after a loss of the graphics context, which loses the layer as well.
    this.map.on("style.load", () => {
      this.map.addLayer(this.aircraft, "labels");
      this.loaded = true;
      this.setTheme(this.theme);
      this.draw(this.scene);
      this.drawTrail(this.trail);
    });
    this.map.on("webglcontextlost", () => {
      this.loaded = false;
    });
    this.map.on("error", ({ error }: { error: Error }) => {
      events.onError(error.message);
    });
    this.map.on("moveend", () => {
      this.label();
      events.onView();
    });
    this.map.on("dragstart", events.onGrab);
    this.map.on("click", ({ point, originalEvent }) => {
      const touch = originalEvent instanceof PointerEvent && originalEvent.pointerType === "touch";
      events.onSelect(this.at(point.x, point.y, touch ? REACH.touch : REACH.mouse)?.icao24);
    });
    this.map.on("mousemove", ({ point }) => {
      // A moving map is being dragged: the aircraft below the pointer changes without the pointer.
      if (this.map.isMoving()) return;
      const over = this.at(point.x, point.y, REACH.mouse);
      this.map.getCanvas().style.cursor = over === undefined ? "" : "pointer";
      this.map.getCanvas().title = over === undefined ? "" : this.hint(over);
    });
  }

  /** The part of the world in view; longitudes may exceed ±180. */
  box(): Box {
    const bounds = this.map.getBounds();
    return { south: bounds.getSouth(), west: bounds.getWest(), north: bounds.getNorth(), east: bounds.getEast() };
  }

  /** The centre and zoom of the map. */
  view(): View {
    const { lat, lng } = this.map.getCenter();
    return { zoom: this.map.getZoom(), lat, lon: wrapLongitude(lng) };
  }

  /** Shows a view without an animation. */
  jumpTo({ lat, lon, zoom }: View): void {
    this.map.jumpTo({ center: [lon, lat], zoom });
  }

  /**
   * Moves to a place, at least as near as `zoom`.
   *
   * @param offset from the centre of the map, CSS pixels
   */
  goTo(lat: number, lon: number, offset: [number, number], zoom?: number): void {
    // The shorter way, which may cross the antimeridian.
    const centre = this.map.getCenter().lng;
    const nearest = lon + 360 * Math.round((centre - lon) / 360);
    const target = Math.max(zoom ?? 0, this.map.getZoom());
    this.map.easeTo({ center: [nearest, lat], zoom: target, offset, duration: prefersReducedMotion() ? 0 : 600 });
  }

  setTheme(theme: "light" | "dark"): void {
    this.theme = theme;
    this.aircraft.outline = theme === "light" ? [255, 255, 255] : [10, 16, 22];
    if (!this.loaded) return;
    eachColour(PALETTES[theme], (layer, property, colour) => {
      this.map.setPaintProperty(layer, property, colour);
    });
  }

  /** Names the providers of the flights. */
  attribute(providers: readonly Provider[]): void {
    this.attribution.show(providers);
  }

  /** Draws the aircraft. */
  draw(scene: Scene): void {
    this.scene = scene;
    if (!this.loaded) return;
    this.aircraft.isExtrapolating = scene.isExtrapolating;
    this.aircraft.show(this.symbols(), scene.states.length * 4 + 8);
    this.label();
  }

  /** Draws the track of the selected aircraft. */
  drawTrail(points: readonly TrailPoint[]): void {
    this.trail = points;
    if (!this.loaded) return;
    const features = segments(points).map(({ colour, coordinates }) => ({
      type: "Feature" as const,
      properties: { colour },
      geometry: { type: "LineString" as const, coordinates },
    }));
    this.map.getSource<GeoJSONSource>("trail")?.setData({ type: "FeatureCollection", features });
  }

  /** The place of an aircraft in the map, CSS pixels. */
  screen(state: StateVector): { x: number; y: number } | undefined {
    const place = this.place(state);
    if (place === undefined) return undefined;
    const { x, y } = this.map.project([place.x * 360 - 180, 0]);
    const scale = 512 * 2 ** this.map.getZoom();
    return { x, y: y + (place.y - 0.5) * scale };
  }

  private *symbols(): Generator<Symbol, void> {
    const { states, selected, alerts, observedAt, answeredAt, facts } = this.scene;
    const zoom = this.map.getZoom();
    const size = Math.min(18, Math.max(6.5, 5 + zoom * 1.5));
    const urgent: Symbol[] = [];
    for (const state of states) {
      const { lat, lon, true_track, on_ground } = state;
      if (lat === null || lon === null || Math.abs(lat) > MAX_LATITUDE) continue;
      const ofAircraft = alerts.get(state.icao24);
      const isUrgent = ofAircraft?.some(isEmergency) === true;
      const isSelected = state.icao24 === selected;
      const known = facts.get(state.icao24);
      const itsShape = shape(state, known);
      const symbol: Symbol = {
        x: mercatorX(lon),
        y: mercatorY(lat),
        heading: noseOf(itsShape) === "up" ? 0 : (true_track ?? 0),
        shape: itsShape,
        size: size * sizeOf(itsShape) * (on_ground === true ? 0.75 : 1),
        colour: isUrgent ? EMERGENCY : altitudeColour(altitude(state), on_ground),
        opacity: ofAircraft !== undefined || isSelected ? 1 : opacity(positionAge(state, observedAt)),
        velocity: this.velocity(state),
        time: state.time_position ?? state.last_contact,
      };
      const dashes = isPositionOld(state, answeredAt) && {
        ...symbol,
        shape: "dashes" as const,
        heading: 0,
        size: size * 1.25,
        colour: UNKNOWN,
        opacity: 1,
      };
      const mark = isMilitary(known) && {
        ...symbol,
        shape: "military" as const,
        heading: 0,
        size: size * MARK,
        colour: MARK_COLOURS[this.theme],
      };
      if (ofAircraft === undefined && !isSelected) {
        yield symbol;
        if (mark) yield mark;
        if (dashes) yield dashes;
        continue;
      }
      if (dashes) urgent.push(dashes);
      const ring = { ...symbol, shape: "ring" as const, heading: 0, opacity: 1 };
      if (ofAircraft !== undefined) urgent.push({ ...ring, size: size * 1.9, colour: isUrgent ? EMERGENCY : ALERT });
      if (isSelected) urgent.push({ ...ring, size: size * 1.6, colour: ACCENT });
      urgent.push({ ...symbol, size: symbol.size * 1.25 });
      if (mark) urgent.push(mark);
    }
    yield* urgent;
  }

  /** The velocity of an aircraft on the web mercator map, by its last report. */
  private velocity(state: StateVector): [number, number] {
    const { lat, velocity, true_track, on_ground } = state;
    const stands = lat === null || velocity === null || true_track === null || on_ground === true;
    if (stands || isPositionOld(state, this.scene.answeredAt)) return [0, 0];
    return mercatorVelocity(lat, velocity, true_track);
  }

  /** Where an aircraft is drawn on the web mercator map. */
  private place(state: StateVector): { x: number; y: number } | undefined {
    const { lat, lon } = state;
    if (lat === null || lon === null) return undefined;
    const [x, y] = [mercatorX(lon), mercatorY(lat)];
    if (!this.scene.isExtrapolating) return { x, y };
    const seconds = extrapolationTime(Date.now() / 1000, state.time_position);
    const [vx, vy] = this.velocity(state);
    return { x: x + vx * seconds, y: y + vy * seconds };
  }

  /** The aircraft nearest to a point of the map, within reach. */
  private at(x: number, y: number, reach: number): StateVector | undefined {
    const scale = 512 * 2 ** this.map.getZoom();
    const point = this.map.unproject([x, y]);
    const [px, py] = [mercatorX(point.lng), mercatorY(point.lat)];
    let [nearest, distance] = [undefined as StateVector | undefined, reach];
    for (const state of this.scene.states) {
      const place = this.place(state);
      if (place === undefined) continue;
      const dx = px - place.x;
      const here = Math.hypot((dx - Math.round(dx)) * scale, (py - place.y) * scale);
      if (here < distance) [nearest, distance] = [state, here];
    }
    return nearest;
  }

  private hint(state: StateVector): string {
    const { answeredAt, now, facts } = this.scene;
    const who = labelFacts(facts.get(state.icao24), { registration: true, type: true });
    const age = isPositionOld(state, answeredAt) ? `, position ${span(positionAge(state, now))} old` : "";
    return `${[title(state), who].filter(Boolean).join(" · ")}${age}`;
  }

  private label(): void {
    if (!this.loaded) return;
    const zoom = this.map.getZoom();
    const features = this.labels.features(this.scene, { box: this.box(), zoom, theme: this.theme }, (state) =>
      this.place(state),
    );
    if (features !== undefined) {
      this.map.getSource<GeoJSONSource>("labels")?.setData({ type: "FeatureCollection", features });
    }
    window.clearTimeout(this.labelTimer);
    // Labels follow estimated positions.
    if (this.aircraft.isMoving && zoom >= LABELS_FROM) {
      this.labelTimer = window.setTimeout(() => {
        this.label();
      }, 1000);
    }
  }
}

function prefersReducedMotion(): boolean {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}
