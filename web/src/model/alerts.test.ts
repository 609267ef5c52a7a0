import { expect, test } from "vitest";

import type { RecordedState } from "../api/types.ts";
import type { Alert, StateVector } from "../stream/index.ts";
import { activeAlerts, alertsAfter, alertSentence, alertText } from "./alerts.ts";

const state = (icao24: string, squawk: string | null, last_contact: number): StateVector =>
  ({ icao24, squawk, last_contact }) as StateVector;
const alert = (icao24: string, since: number): Alert => ({
  icao24,
  squawk: "7700",
  meaning: "emergency",
  since,
  state: state(icao24, "7700", since),
  rule: "emergency-squawk",
  ended: null,
  detail: "emergency",
});
const brief = (alerts: readonly Alert[], held: readonly StateVector[]): unknown =>
  [...activeAlerts(alerts, held).values()]
    .flat()
    .map(({ icao24, squawk, since, state }) => [icao24, squawk, since, state.last_contact]);

const RULE = "emergency-squawk";
const judged = (last_contact: number, alerts: RecordedState["alerts"]): RecordedState => ({
  ...state("aaaaaa", "7600", last_contact),
  alerts,
});

test("an alert in a replay lasts from the first state that meets its rule until one that does not", () => {
  let alerts: readonly Alert[] = [];
  const after = (last_contact: number, meaning: string | null | undefined): unknown => {
    alerts = alertsAfter(alerts, judged(last_contact, meaning === undefined ? [] : [{ rule: RULE, meaning }]));
    return alerts.map((alert) => [alert.meaning, alert.since]);
  };
  expect(after(1, undefined)).toEqual([]);
  // A state that lacks the fields neither starts an alert nor ends one.
  expect(after(2, null)).toEqual([]);
  expect(after(3, "radio failure")).toEqual([["radio failure", 3]]);
  expect(after(4, "radio failure")).toEqual([["radio failure", 3]]);
  expect(after(5, null)).toEqual([["radio failure", 3]]);
  expect(after(6, "emergency")).toEqual([["emergency", 6]]);
  expect(after(7, undefined)).toEqual([]);
  expect(after(8, "emergency")).toEqual([["emergency", 8]]);
});

test("each rule has an alert of its own", () => {
  const [squawk, low] = [
    { rule: RULE, meaning: "emergency" },
    { rule: "low-flight", meaning: "below 300 m" },
  ];
  const alerts = alertsAfter(alertsAfter([], judged(5, [squawk])), judged(6, [squawk, low]));
  expect(alerts.map(({ rule, since }) => [rule, since])).toEqual([
    [RULE, 5],
    ["low-flight", 6],
  ]);
});

test("the server's alerts say since when, also of aircraft outside the loaded area", () => {
  expect(brief([alert("aaaaaa", 3), alert("dddddd", 7)], [state("aaaaaa", "7700", 20)])).toEqual([
    ["dddddd", "7700", 7, 7],
    ["aaaaaa", "7700", 3, 20],
  ]);
  // A state without a code does not end an alert.
  expect(brief([alert("aaaaaa", 3)], [state("aaaaaa", null, 25)])).toEqual([["aaaaaa", "7700", 3, 25]]);
});

test("an aircraft may have several alerts, of which emergencies come first and then the newest", () => {
  const low = { ...alert("aaaaaa", 9), rule: "low-flight", meaning: "below 300 m" };
  const fence = { ...alert("aaaaaa", 5), rule: "fence", meaning: "inside home" };
  const active = activeAlerts([fence, { ...low, icao24: "bbbbbb" }, low, alert("aaaaaa", 3)], []);
  expect([...active].map(([icao24, alerts]) => [icao24, ...alerts.map(({ rule }) => rule)])).toEqual([
    ["aaaaaa", RULE, "low-flight", "fence"],
    ["bbbbbb", "low-flight"],
  ]);
});

test("an emergency squawk without an alert of the server is not an alert", () => {
  expect(brief([], [state("aaaaaa", "7700", 20)])).toEqual([]);
});

test("only an emergency is described with its squawk", () => {
  expect(alertText(alert("aaaaaa", 3))).toBe("7700 emergency");
  expect(alertSentence(alert("aaaaaa", 3))).toBe("Squawk 7700: emergency");
  for (const squawk of [null, "1000", "7700"]) {
    const low = { ...alert("aaaaaa", 3), rule: "low-flight", squawk, meaning: "below 300 m near the airport" };
    expect([alertText(low), alertSentence(low)]).toEqual([low.meaning, low.meaning]);
  }
});
