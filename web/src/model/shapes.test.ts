import { describe, expect, test } from "vitest";

import type { KnownAircraft } from "../api/types.ts";
import { unknownState } from "../stream/table.ts";
import { shape } from "./aircraft.ts";
import { noseOf, outlineOf, shapeOfCategory, shapeOfType, SHAPES, sizeOf } from "./shapes.ts";

describe("the symbol of a type", () => {
  test.each([
    ["A320", "narrow"],
    ["B738", "narrow"],
    ["B77W", "wide"],
    ["B789", "wide"],
    ["A388", "four"],
    ["B744", "four"],
    ["B720", "four"],
    ["B722", "trijet"],
    ["MD11", "trijet"],
    ["CRJ9", "regional"],
    ["AT76", "turboprop"],
    ["C130", "fourprop"],
    ["C172", "single"],
    ["C17", "transport"],
    ["BE58", "twin"],
    ["AN2", "biplane"],
    ["GLF6", "business"],
    ["EUFI", "fighter"],
    ["F18H", "fighter"],
    ["B52", "bomber"],
    ["K35R", "tanker"],
    ["E3TF", "awacs"],
    ["EC35", "helicopter"],
    ["AS50", "helicopter"],
    ["H60", "heavyHelicopter"],
    ["H47", "tandem"],
    ["V22", "tiltrotor"],
    ["CALI", "gyrocopter"],
    ["AS21", "glider"],
    ["ULAC", "ultralight"],
    ["BALL", "balloon"],
    ["SHIP", "airship"],
    ["Q9", "unmannedPlane"],
    ["ZZZZ", undefined],
    ["", undefined],
  ])("%s: %s", (type, expected) => {
    expect(shapeOfType(type)).toBe(expected);
    // The second time from the cache.
    expect(shapeOfType(type)).toBe(expected);
  });
});

test("the type precedes the category, which precedes the generic aircraft", () => {
  const state = { ...unknownState("4b1814"), true_track: 90, category: 8 };
  const known = (type: string): KnownAircraft => ({ icao24: "4b1814", type, sources: {} });
  expect([shape(state, known("GLF6")), shape(state, known("ZZZZ")), shape(state)]).toEqual([
    "business",
    "helicopter",
    "helicopter",
  ]);
  expect(shape({ ...state, category: 1 })).toBe("jet");
  expect(shape({ ...state, category: null, on_ground: true })).toBe("single");
});

test("without a track an aircraft is a dot, unless its symbol needs no direction or is recognised without one", () => {
  const state = { ...unknownState("4b1814"), true_track: null };
  const known = (type: string): KnownAircraft => ({ icao24: "4b1814", type, sources: {} });
  expect(["A320", "EC35", "BALL"].map((type) => shape(state, known(type)))).toEqual(["dot", "helicopter", "balloon"]);
});

test("categories have symbols; ground vehicles and obstacles have their own", () => {
  const codes = [2, 4, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20];
  const shapes = codes.map(shapeOfCategory);
  expect(shapes).not.toContain(undefined);
  expect(new Set(shapes).size).toBe(codes.length);
  expect([null, 0, 1, 13, 99].map(shapeOfCategory)).toEqual([undefined, undefined, undefined, undefined, undefined]);
});

test("outlines stay inside the square of their symbol", () => {
  expect(SHAPES.length).toBeGreaterThanOrEqual(30);
  for (const name of SHAPES) {
    if (name === "ring" || name === "dashes") continue;
    const outline = outlineOf(name);
    expect(outline, name).toMatch(/^M/);
    expect(outline, name).not.toMatch(/NaN|undefined/);
    // Polygons of absolute corners only.
    for (const polygon of outline.match(/M[-\d. L]+Z/g) ?? []) {
      for (const number of polygon.match(/-?\d*\.?\d+/g) ?? [])
        expect(Math.abs(Number(number)), name).toBeLessThanOrEqual(1);
    }
    expect(sizeOf(name), name).toBeGreaterThan(0.5);
    expect(["track", "any", "up"]).toContain(noseOf(name));
  }
});
