import fc from "fast-check";
import { expect, test } from "vitest";

import { spread } from "./labels.ts";
import type { Candidate } from "./labels.ts";

const NONE: ReadonlySet<string> = new Set();

/** Rows of aircraft from the south to the north, as a picture may hold them. */
function grid(side: number, step = 1 / side): Candidate[] {
  return Array.from({ length: side * side }, (_, i) => ({
    icao24: (0x400000 + i).toString(16),
    // Not on the edge of a square.
    x: 0.01 + (i % side) * step,
    y: 1.01 - Math.floor(i / side) * step,
  }));
}

const names = (chosen: readonly Candidate[]): string[] => chosen.map(({ icao24 }) => icao24).sort();

test("labels are spread over the view in any order of the aircraft", () => {
  const chosen = spread(grid(30), 150, 0.1, NONE);
  expect(chosen).toHaveLength(150);
  const quarters = [0, 0, 0, 0];
  for (const { x, y } of chosen) {
    const quarter = (x < 0.5 ? 0 : 1) + (y < 0.5 ? 0 : 2);
    quarters[quarter] = (quarters[quarter] ?? 0) + 1;
  }
  for (const count of quarters) expect(count).toBeGreaterThan(25);
});

test("a crowd does not take the labels of aircraft elsewhere", () => {
  const crowd = grid(20, 0.001);
  const alone = { icao24: "abcdef", x: 0.9, y: 0.1 };
  expect(names(spread([...crowd, alone], 150, 0.1, NONE))).toContain("abcdef");
});

test("labels stay with their aircraft after an update", () => {
  const before = spread(grid(30), 150, 0.1, NONE);
  const labelled = new Set(before.map(({ icao24 }) => icao24));
  // The same aircraft in another order, a little farther on, but within their squares.
  const after = grid(30)
    .reverse()
    .map((one) => ({ ...one, x: one.x + 0.002 }));
  expect(names(spread(after, 150, 0.1, labelled))).toEqual(names(before));
});

test("labels are used up to the limit, and none twice", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 200 }), (side, most) => {
      const chosen = spread(grid(side), most, 0.13, NONE);
      expect(new Set(names(chosen)).size).toBe(Math.min(most, side * side));
    }),
  );
});
