import { expect, test } from "vitest";

import type { Alert, StateVector } from "../stream/index.ts";
import { emergenciesOf, emergencyText, RecordedAlerts, squawkMeaning } from "./emergencies.ts";

const state = (icao24: string, squawk: string | null, last_contact: number): StateVector =>
  ({ icao24, squawk, last_contact }) as StateVector;
const alert = (icao24: string, since: number): Alert => ({
  icao24,
  squawk: "7700",
  meaning: "emergency",
  since,
  state: state(icao24, "7700", since),
});
const brief = (alerts: readonly Alert[], held: readonly StateVector[]): unknown =>
  [...emergenciesOf(alerts, held).values()].map(({ icao24, squawk, since, state }) => [
    icao24,
    squawk,
    since,
    state.last_contact,
  ]);

test("three squawk codes stand for an emergency", () => {
  expect(["7500", "7600", "7700", "7701", null].map((squawk) => squawkMeaning({ squawk }))).toEqual([
    "unlawful interference",
    "radio failure",
    "emergency",
    undefined,
    undefined,
  ]);
});

test("an emergency in a replay lasts from the first state with its code until another code follows", () => {
  const recorded = new RecordedAlerts();
  const at = (states: StateVector[]): unknown => brief(recorded.of(states), states);
  expect(at([state("aaaaaa", "7600", 5), state("bbbbbb", "1000", 5), state("cccccc", null, 5)])).toEqual([
    ["aaaaaa", "7600", 5, 5],
  ]);
  expect(at([state("aaaaaa", "7600", 9), state("bbbbbb", "7500", 8)])).toEqual([
    ["bbbbbb", "7500", 8, 8],
    ["aaaaaa", "7600", 5, 9],
  ]);
  expect(at([state("aaaaaa", "1000", 12)])).toEqual([]);
  expect(at([state("aaaaaa", "7600", 15)])).toEqual([["aaaaaa", "7600", 15, 15]]);
});

test("the server's alerts say since when, also of aircraft outside the loaded area", () => {
  expect(brief([alert("aaaaaa", 3), alert("dddddd", 7)], [state("aaaaaa", "7700", 20)])).toEqual([
    ["dddddd", "7700", 7, 7],
    ["aaaaaa", "7700", 3, 20],
  ]);
  // A state without a code does not end an alert.
  expect(brief([alert("aaaaaa", 3)], [state("aaaaaa", null, 25)])).toEqual([["aaaaaa", "7700", 3, 3]]);
});

test("an emergency squawk without an alert of the server is not an emergency", () => {
  expect(brief([], [state("aaaaaa", "7700", 20)])).toEqual([]);
});

test("an alert that needs no squawk is described by its meaning", () => {
  const emergency = { ...alert("aaaaaa", 3), squawk: null, meaning: "below 300 m near the airport" };
  expect(emergencyText(emergency)).toBe("below 300 m near the airport");
  expect(emergencyText(alert("aaaaaa", 3))).toBe("7700 emergency");
});
