import type { AircraftMap } from "../map/aircraft-map.ts";
import type { Provider } from "../map/attribution.ts";
import type { View } from "../model/link.ts";
import { providers } from "../model/sources.ts";
import type { Frame } from "./frame.ts";
import { answeredAt, select, selectAndReveal, shownTime } from "./state.ts";
import type { PageState, PageStore } from "./state.ts";

/** Loads the map, which is the larger part of the page, and draws the store's traffic on it. */
export async function loadMap(store: PageStore, frame: Frame, view: View): Promise<AircraftMap> {
  const { AircraftMap } = await import("../map/aircraft-map.ts");
  const map = new AircraftMap(frame.map, view, store.state.theme, {
    onSelect: (icao24) => {
      if (icao24 === undefined) select(store, undefined);
      else selectAndReveal(store, icao24);
    },
    onView: () => {
      store.set({ view: map.view(), box: map.box() });
    },
    onGrab: () => {
      store.set({ following: false });
    },
    onError: (problem) => {
      store.set({ problem });
    },
  });
  store.on(["theme"], ({ theme }) => {
    map.setTheme(theme);
  });
  store.on(["shown", "selected", "aircraft", "alerts", "facts", "settings", "theme", "player"], (state) => {
    draw(map, state);
  });
  store.on(["status", "traffic"], (state) => {
    map.attribute(providersOf(state));
  });
  store.on(["track"], (state) => {
    drawTrail(map, state);
  });
  map.setTheme(store.state.theme);
  draw(map, store.state);
  drawTrail(map, store.state);
  map.attribute(providersOf(store.state));
  store.set({ view: map.view(), box: map.box() });
  return map;
}

function draw(map: AircraftMap, state: PageState): void {
  const { shown, selected, aircraft, alerts, facts, traffic, player, settings } = state;
  const isOutside = aircraft !== undefined && !shown.includes(aircraft);
  map.draw({
    states: isOutside ? [...shown, aircraft] : shown,
    selected,
    alerts,
    observedAt: player?.at ?? traffic.observedAt ?? 0,
    answeredAt: answeredAt(state),
    now: shownTime(state),
    units: settings.units,
    facts: facts.known,
    labels: settings.labels,
    // Estimates are of the present.
    isExtrapolating: settings.smooth && player === undefined,
  });
}

/** The sources that are configured, and those of the aircraft on the map, which another process may poll. */
function providersOf({ status, traffic }: PageState): Provider[] {
  const configured = (status?.sources ?? []).map(({ name }) => name);
  return providers(new Set([...configured, ...traffic.held.map(({ source }) => source)]));
}

function drawTrail(map: AircraftMap, { track }: PageState): void {
  map.drawTrail(typeof track === "string" ? [] : track);
}
