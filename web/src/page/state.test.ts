import { beforeEach, expect, test } from "vitest";

import type { Alert, StateVector } from "../stream/index.ts";
import { unknownState } from "../stream/table.ts";
import { readSettings } from "./settings.ts";
import { createPageStore, goTo, NO_TRAFFIC, openPanel, select, selectAndReveal, setFollowing } from "./state.ts";
import type { PageStore } from "./state.ts";

const swiss: StateVector = { ...unknownState("4b1814"), origin_country: "Switzerland", lat: 47, lon: 8 };
const german: StateVector = { ...unknownState("3c6444"), origin_country: "Germany", lat: 50, lon: 179 };
const alert: Alert = {
  icao24: "3c6444",
  squawk: "7700",
  meaning: "emergency",
  since: 5,
  state: german,
  rule: "emergency-squawk",
  ended: null,
  detail: "emergency",
};

let store: PageStore;
beforeEach(() => {
  store = createPageStore(readSettings({ getItem: () => null }));
  store.set({ traffic: { ...NO_TRAFFIC, held: [swiss, german], isLoaded: true, alerts: [alert] } });
});

const icao24s = (states: readonly StateVector[]): string[] => states.map(({ icao24 }) => icao24);

test("shown are the aircraft that pass the filter, and the selected one", () => {
  expect(icao24s(store.state.shown)).toEqual(["4b1814", "3c6444"]);
  store.set({ filter: { country: "Germany" } });
  expect(icao24s(store.state.shown)).toEqual(["3c6444"]);
  select(store, "4b1814");
  expect(icao24s(store.state.shown)).toEqual(["4b1814", "3c6444"]);
});

test("the filter for aircraft with alerts follows the server's alerts", () => {
  store.set({ filter: { alerts: true } });
  expect(icao24s(store.state.shown)).toEqual(["3c6444"]);
  store.set({ traffic: { ...store.state.traffic, alerts: [] } });
  expect(icao24s(store.state.shown)).toEqual([]);
});

test("visible are the shown aircraft in view, also across the antimeridian", () => {
  store.set({ box: { south: 40, west: 170, north: 60, east: 190 } });
  expect(icao24s(store.state.visible)).toEqual(["3c6444"]);
  store.set({ box: { south: 40, west: -180, north: 60, east: 180 } });
  expect(icao24s(store.state.visible)).toEqual(["4b1814", "3c6444"]);
});

test("the selected aircraft comes from the traffic, or else from the lookup", () => {
  select(store, "400a1b");
  expect(store.state.aircraft).toBeUndefined();
  const state = unknownState("400a1b");
  store.set({ lookup: { kind: "found", state } });
  expect(store.state.aircraft).toBe(state);
  select(store, "4b1814");
  expect(store.state.aircraft).toBe(swiss);
});

test("another selection ends following and the movement of the map", () => {
  goTo(store, swiss);
  expect(store.state).toMatchObject({ selected: "4b1814", front: "details", target: { icao24: "4b1814", zoom: 6 } });
  setFollowing(store, true);
  expect(store.state.following).toBe(true);
  // The same selection again keeps it.
  goTo(store, swiss);
  expect(store.state.following).toBe(true);
  selectAndReveal(store, "3c6444");
  expect(store.state).toMatchObject({ following: false, target: { icao24: "3c6444", ifHidden: true } });
  select(store, undefined);
  expect(store.state).toMatchObject({ selected: undefined, target: undefined, front: "panel" });
});

test("an opened panel is in front, and a closed one leaves the details there", () => {
  select(store, "4b1814");
  openPanel(store, "list");
  expect(store.state).toMatchObject({ panel: "list", front: "panel", focusFollows: true });
  select(store, "3c6444");
  openPanel(store, undefined);
  expect(store.state).toMatchObject({ panel: undefined, front: "details" });
});
