import { expect, test } from "vitest";

import type { StateVector } from "../stream/index.ts";
import { busiestCountries, byAltitude, byCountry, wholeDay } from "./statistics.ts";

const state = (more: Partial<StateVector>): StateVector =>
  ({ origin_country: null, baro_altitude: null, geo_altitude: null, on_ground: false, ...more }) as StateVector;

test("aircraft are counted by country, the smaller ones together", () => {
  const states = ["Chad", "Chad", "Peru", "Oman", null].map((origin_country) => state({ origin_country }));
  expect(byCountry(states, 2)).toEqual([
    { name: "Chad", count: 2 },
    { name: "Oman", count: 1 },
    { name: "Other", count: 2 },
  ]);
  expect(byCountry([], 2)).toEqual([]);
});

test("each aircraft is counted in one altitude band", () => {
  const heights = [-300, 0, 2_999, 3_000, 11_999, 12_000, 28_560];
  const states = [
    ...heights.map((baro_altitude) => state({ baro_altitude })),
    state({ on_ground: true, baro_altitude: 100 }),
    state({}),
  ];
  const bands = byAltitude(states, 3_000, (metres) => `${metres}`);
  expect(bands.map(({ name, count }) => `${name}: ${count}`)).toEqual([
    "above 12000: 2",
    "9000 to 12000: 1",
    "6000 to 9000: 0",
    "3000 to 6000: 1",
    "below 3000: 3",
    "on the ground: 1",
    "unknown: 1",
  ]);
});

test("the day has each country's peak and every hour", () => {
  const hour = 1_795_471_200;
  const rows = [
    { hour, origin_country: "Chad", states: 9, aircraft: 3 },
    { hour: hour - 3600, origin_country: "Chad", states: 9, aircraft: 5 },
    { hour, origin_country: null, states: 9, aircraft: 4 },
  ];
  expect(busiestCountries(rows, 5)).toEqual([
    { name: "Chad", count: 5 },
    { name: "Unknown", count: 4 },
  ]);
  const day = wholeDay(rows.slice(0, 1), hour + 100);
  expect([day.length, day[0]?.hour, day.at(-1)]).toEqual([24, hour - 23 * 3600, { hour, aircraft: 3 }]);
});
