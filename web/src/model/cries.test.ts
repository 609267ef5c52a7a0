import { expect, test } from "vitest";

import type { Alert, StateVector } from "../stream/index.ts";
import { Watch } from "./cries.ts";

const state = (icao24: string, squawk: string | null, last_contact: number): StateVector =>
  ({ icao24, squawk, last_contact }) as StateVector;
const alert = (icao24: string, since: number): Alert => ({
  icao24,
  squawk: "7700",
  meaning: "emergency",
  since,
  state: state(icao24, "7700", since),
});
const brief = (watch: Watch, states: StateVector[], alerts: Alert[] = []): unknown =>
  watch.cries(states, alerts).map(({ icao24, squawk, since, state }) => [icao24, squawk, since, state.last_contact]);

test("who is seen cries since it was seen first, until it does no more", () => {
  const watch = new Watch();
  expect(brief(watch, [state("aaaaaa", "7600", 5), state("bbbbbb", "1000", 5), state("cccccc", null, 5)])).toEqual([
    ["aaaaaa", "7600", 5, 5],
  ]);
  expect(brief(watch, [state("aaaaaa", "7600", 9), state("bbbbbb", "7500", 8)])).toEqual([
    ["bbbbbb", "7500", 8, 8],
    ["aaaaaa", "7600", 5, 9],
  ]);
  expect(brief(watch, [state("aaaaaa", "1000", 12)])).toEqual([]);
  expect(brief(watch, [state("aaaaaa", "7600", 15)])).toEqual([["aaaaaa", "7600", 15, 15]]);
});

test("the server knows since when, and of those out of sight", () => {
  const watch = new Watch();
  expect(brief(watch, [state("aaaaaa", "7700", 20)], [alert("aaaaaa", 3), alert("dddddd", 7)])).toEqual([
    ["dddddd", "7700", 7, 7],
    ["aaaaaa", "7700", 3, 20],
  ]);
  // An aircraft whose code is not known at the moment is still told of.
  expect(brief(watch, [state("aaaaaa", null, 25)], [alert("aaaaaa", 3)])).toEqual([["aaaaaa", "7700", 3, 3]]);
});
