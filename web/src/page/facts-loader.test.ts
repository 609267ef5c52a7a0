import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { KnownAircraft, ServerStatus } from "../api/types.ts";
import type { StateVector } from "../stream/index.ts";
import { unknownState } from "../stream/table.ts";
import { FactsLoader } from "./facts-loader.ts";
import type { Player } from "./player.ts";
import { readSettings } from "./settings.ts";
import { createPageStore, NO_TRAFFIC } from "./state.ts";
import type { PageStore } from "./state.ts";

let store: PageStore;
let requests: (readonly string[])[];
let answer: (icao24s: readonly string[]) => Promise<KnownAircraft[]>;

const state = (icao24: string, callsign = "SWR1"): StateVector => ({ ...unknownState(icao24), callsign });
const known = (icao24: string): KnownAircraft => ({ icao24, type: "BCS3", airline: "Swiss", sources: {} });

beforeEach(() => {
  vi.useFakeTimers();
  requests = [];
  answer = (icao24s) => Promise.resolve(icao24s.filter((one) => one !== "ffffff").map(known));
  store = createPageStore(readSettings({ getItem: () => null }));
  new FactsLoader(store, (icao24s) => {
    requests.push(icao24s);
    return answer(icao24s);
  });
});
afterEach(() => {
  vi.useRealTimers();
});

async function show(...held: StateVector[]): Promise<void> {
  store.set({ traffic: { ...NO_TRAFFIC, held, isLoaded: true } });
  await vi.advanceTimersByTimeAsync(0);
}

const withTable = (loaded_at: number): ServerStatus =>
  ({ aircraft_table: { aircraft: 1, bad_rows: 0, failed: false, loaded_at } }) as ServerStatus;

test("each aircraft is read once, also one of which nothing is known", async () => {
  await show(state("4b1814"), state("ffffff"));
  await show(state("4b1814"), state("ffffff"));
  await show(state("4b1814"), state("ffffff"), state("3c6444"));
  expect(requests).toEqual([["4b1814", "ffffff"], ["3c6444"]]);
  expect([...store.state.facts.known.keys()]).toEqual(["4b1814", "3c6444"]);
  expect(store.state.facts.isLoading).toBe(false);
});

test("many aircraft are read in several requests, one after the other", async () => {
  await show(...Array.from({ length: 1_200 }, (_, i) => state(i.toString(16).padStart(6, "0"))));
  expect(requests.map(({ length }) => length)).toEqual([500, 500, 200]);
  expect(store.state.facts.known.size).toBe(1_200);
});

test("an aircraft with another callsign, and everything after a change of the table, is read again", async () => {
  store.set({ status: withTable(1) });
  await show(state("4b1814"), state("3c6444"));
  await show(state("4b1814", "SWR2"), state("3c6444"));
  store.set({ status: withTable(1) });
  await vi.advanceTimersByTimeAsync(0);
  expect(requests).toEqual([["4b1814", "3c6444"], ["4b1814"]]);
  store.set({ status: withTable(2) });
  await vi.advanceTimersByTimeAsync(0);
  expect(requests.slice(2)).toEqual([["4b1814", "3c6444"]]);
});

test("a failed request is repeated after a pause, and is reported meanwhile", async () => {
  answer = () => Promise.reject(new Error("refused"));
  await show(state("4b1814"));
  await show(state("4b1814"));
  expect(requests).toHaveLength(1);
  expect(store.state.facts.isUnavailable).toBe(true);
  answer = (icao24s) => Promise.resolve(icao24s.map(known));
  await vi.advanceTimersByTimeAsync(30_000);
  expect(store.state.facts).toMatchObject({ isUnavailable: false, isLoading: false });
  expect(store.state.facts.known.size).toBe(1);
});

test("nothing is read in a hidden tab", async () => {
  store.set({ isHidden: true });
  await show(state("4b1814"));
  expect(requests).toEqual([]);
  store.set({ isHidden: false });
  await vi.advanceTimersByTimeAsync(0);
  expect(requests).toHaveLength(1);
});

test("a replay has no airlines, which follow from the callsigns of the present", async () => {
  await show(state("4b1814"));
  const player: unknown = { at: 1 };
  store.set({ player: player as Player });
  await vi.advanceTimersByTimeAsync(0);
  expect(store.state.facts.known.get("4b1814")).toMatchObject({ type: "BCS3" });
  expect(store.state.facts.known.get("4b1814")?.airline).toBeUndefined();
  store.set({ player: undefined });
  await vi.advanceTimersByTimeAsync(0);
  expect(store.state.facts.known.get("4b1814")?.airline).toBe("Swiss");
});
