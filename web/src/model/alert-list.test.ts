import { expect, test } from "vitest";

import type { Alert, StateVector } from "../stream/index.ts";
import { AlertChanges, listAt, liveList } from "./alert-list.ts";
import type { AlertList } from "./alert-list.ts";

const alert = (rule: string, icao24: string, since: number, ended: number | null = null): Alert => ({
  icao24,
  squawk: null,
  meaning: rule,
  since,
  state: { icao24 } as StateVector,
  rule,
  ended,
  detail: rule,
});
const brief = ({ active, ended }: AlertList): unknown => [active, ended].map((alerts) => alerts.map(text));
const text = ({ rule, icao24, since, ended }: Alert): string => `${rule} ${icao24} ${since}–${ended ?? ""}`;

test("the stream says which alerts are active, and the stored ones when they ended", () => {
  const stored = [alert("fence", "a", 5, 9), alert("low", "a", 6), alert("low", "b", 7), alert("fence", "b", 1, 2)];
  const gone = [alert("fence", "a", 5), alert("fence", "c", 8)];
  const active = [alert("low", "a", 6), alert("fence", "a", 12)];
  expect(brief(liveList({ active, stored, gone }))).toEqual([
    ["fence a 12–", "low a 6–"],
    ["fence c 8–", "low b 7–", "fence a 5–9", "fence b 1–2"],
  ]);
});

test("before the first picture, stored alerts without an end count as active", () => {
  const stored = [alert("fence", "a", 5, 9), alert("low", "a", 6)];
  expect(brief(liveList({ active: undefined, stored, gone: [] }))).toEqual([["low a 6–"], ["fence a 5–9"]]);
});

test("without a database the list has what was seen on the page", () => {
  const gone = [alert("fence", "a", 5)];
  expect(brief(liveList({ active: [alert("low", "a", 6)], stored: [], gone }))).toEqual([["low a 6–"], ["fence a 5–"]]);
});

test("a replay lists the alerts of its moment", () => {
  const stored = [alert("low", "a", 10, 20), alert("low", "b", 15), alert("low", "c", 5, 10), alert("low", "d", 17)];
  // The replay has seen two emergencies, one of which is stored.
  const active = [alert("low", "b", 16), alert("squawk", "a", 14)];
  const at = (moment: number): unknown => brief(listAt(moment, { active, stored, gone: [] }));
  expect(at(16)).toEqual([["low b 15–", "squawk a 14–", "low a 10–20"], ["low c 5–10"]]);
  expect(at(20)).toEqual([
    ["low d 17–", "low b 15–", "squawk a 14–"],
    ["low a 10–20", "low c 5–10"],
  ]);
});

test("an alert is new once, and gone when it is no longer active", () => {
  const changes = new AlertChanges();
  const update = (...alerts: Alert[]): string[] => changes.update(alerts).map(text);
  const [one, two, other] = [alert("low", "a", 1), alert("fence", "a", 2), alert("low", "a", 9)];
  // Those that are active when the page is opened are not new.
  expect(update(one)).toEqual([]);
  expect(update(one, two)).toEqual(["fence a 2–"]);
  expect(update(two)).toEqual([]);
  expect(changes.gone).toEqual([one]);
  // A server that restarts knows the alerts a moment later.
  expect([update(), update(two)]).toEqual([[], []]);
  expect(changes.gone).toEqual([one]);
  expect(update(two, other)).toEqual(["low a 9–"]);
});

test("only the latest thousand alerts that have ended are kept", () => {
  const changes = new AlertChanges();
  changes.update([]);
  const alerts = Array.from({ length: 1_005 }, (_, index) => alert("low", "a", index));
  expect(changes.update(alerts)).toHaveLength(1_005);
  changes.update([]);
  expect(changes.gone).toHaveLength(1_000);
  expect(changes.gone[0]?.since).toBe(5);
});
