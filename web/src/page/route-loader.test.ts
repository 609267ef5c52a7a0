import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { ApiError } from "../api/http.ts";
import type { PastFlight } from "../api/types.ts";
import type { StateVector } from "../stream/index.ts";
import { unknownState } from "../stream/table.ts";
import { RouteLoader } from "./route-loader.ts";
import { readSettings } from "./settings.ts";
import { createPageStore, NO_TRAFFIC } from "./state.ts";
import type { PageStore } from "./state.ts";

let store: PageStore;
let loader: RouteLoader;
let requests: (readonly string[])[];
let failure: Error | undefined;

const state = (icao24: string, callsign = "SWR1"): StateVector => ({ ...unknownState(icao24), callsign });
const flight = (icao24: string): PastFlight =>
  ({ icao24, callsign: "SWR1", departure: { iata: "ZRH", icao: "LSZH", name: "Zurich" }, arrival: null }) as PastFlight;
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  requests = [];
  failure = undefined;
  store = createPageStore(readSettings({ getItem: () => null }));
  loader = new RouteLoader(store, (icao24s) => {
    requests.push(icao24s);
    return failure === undefined ? Promise.resolve(icao24s.map(flight)) : Promise.reject(failure);
  });
});
afterEach(() => {
  vi.useRealTimers();
});

test("the routes of the open list are read once in a while", async () => {
  store.set({ panel: "list" });
  loader.want([state("4b1814"), state("3c6444", "DLH1")]);
  await settle();
  loader.want([state("4b1814"), state("3c6444", "DLH1")]);
  await settle();
  expect(requests).toEqual([["4b1814", "3c6444"]]);
  // The stored flight of the other one had another callsign.
  expect([...store.state.routes.keys()]).toEqual(["4b1814"]);
  await vi.advanceTimersByTimeAsync(6 * 60_000);
  store.set({ tick: 1 });
  await settle();
  expect(requests).toHaveLength(2);
  store.set({ panel: undefined });
  await vi.advanceTimersByTimeAsync(6 * 60_000);
  store.set({ tick: 2 });
  await settle();
  expect(requests).toHaveLength(2);
});

test("the route of the selected aircraft is read, and again at another time or with another callsign", async () => {
  const swiss = state("4b1814");
  store.set({ selected: "4b1814", traffic: { ...NO_TRAFFIC, held: [swiss], isLoaded: true } });
  await settle();
  expect(requests).toEqual([["4b1814"]]);
  store.set({ jumps: 1 });
  expect(store.state.routes.size).toBe(0);
  await settle();
  expect(requests).toHaveLength(2);
  swiss.callsign = "SWR2";
  store.set({ tick: 1 });
  await settle();
  expect(requests).toHaveLength(3);
  expect(store.state.routes.size).toBe(0);
});

test("a failed request is repeated after a pause, and none follows where the server keeps no history", async () => {
  store.set({ panel: "list" });
  failure = new Error("refused");
  loader.want([state("4b1814")]);
  await settle();
  store.set({ tick: 1 });
  expect(requests).toHaveLength(1);
  failure = new ApiError(404, true);
  await vi.advanceTimersByTimeAsync(31_000);
  store.set({ tick: 2 });
  await settle();
  expect(requests).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(31_000);
  store.set({ tick: 3 });
  expect(requests).toHaveLength(2);
});
