import { expect, test } from "vitest";

import type { RecordedState } from "../api/types.ts";
import type { Alert, StateVector } from "../stream/index.ts";
import { emergenciesOf, emergencyText, RecordedAlerts } from "./emergencies.ts";

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

test("an emergency in a replay lasts from the first state that the server judged so until a state that it did not", () => {
  const recorded = new RecordedAlerts();
  const judged = (icao24: string, meaning: string | null | undefined, last_contact: number): RecordedState => ({
    ...state(icao24, "7600", last_contact),
    alerts: meaning === undefined ? [] : [{ rule: "emergency-squawk", meaning }],
  });
  const at = (states: RecordedState[]): unknown =>
    recorded.of(states).map((each) => [each.icao24, each.meaning, each.since]);
  expect(at([judged("aaaaaa", "radio failure", 5), judged("bbbbbb", undefined, 5), judged("cccccc", null, 5)])).toEqual(
    [["aaaaaa", "radio failure", 5]],
  );
  expect(at([judged("aaaaaa", "radio failure", 9), judged("bbbbbb", "emergency", 8)])).toEqual([
    ["aaaaaa", "radio failure", 5],
    ["bbbbbb", "emergency", 8],
  ]);
  // Neither a state that lacks the fields nor one of another aircraft ends it.
  expect(at([judged("aaaaaa", null, 12), judged("bbbbbb", "radio failure", 12)])).toEqual([
    ["aaaaaa", "radio failure", 5],
    ["bbbbbb", "radio failure", 12],
  ]);
  expect(at([judged("aaaaaa", undefined, 15)])).toEqual([]);
  expect(at([judged("aaaaaa", "radio failure", 18)])).toEqual([["aaaaaa", "radio failure", 18]]);
});

test("each rule has an alert of its own", () => {
  const alerts = [
    { rule: "emergency-squawk", meaning: "emergency" },
    { rule: "low-flight", meaning: "below 300 m" },
  ];
  const recorded = new RecordedAlerts().of([{ ...state("aaaaaa", "7700", 5), alerts }]);
  expect(recorded.map(({ meaning }) => meaning)).toEqual(["emergency", "below 300 m"]);
});

test("the server's alerts say since when, also of aircraft outside the loaded area", () => {
  expect(brief([alert("aaaaaa", 3), alert("dddddd", 7)], [state("aaaaaa", "7700", 20)])).toEqual([
    ["dddddd", "7700", 7, 7],
    ["aaaaaa", "7700", 3, 20],
  ]);
  // A state without a code does not end an alert.
  expect(brief([alert("aaaaaa", 3)], [state("aaaaaa", null, 25)])).toEqual([["aaaaaa", "7700", 3, 25]]);
});

test("an emergency squawk without an alert of the server is not an emergency", () => {
  expect(brief([], [state("aaaaaa", "7700", 20)])).toEqual([]);
});

test("an alert that needs no squawk is described by its meaning", () => {
  const emergency = { ...alert("aaaaaa", 3), squawk: null, meaning: "below 300 m near the airport" };
  expect(emergencyText(emergency)).toBe("below 300 m near the airport");
  expect(emergencyText(alert("aaaaaa", 3))).toBe("7700 emergency");
});
