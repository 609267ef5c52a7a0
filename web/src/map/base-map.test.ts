import { expect, test } from "vitest";

import { unpacked } from "./base-map.ts";

test("a line is the running sum of its differences", () => {
  const line = [850, 4700, 10, -25, -860, 0];
  const points = [
    [8.5, 47],
    [8.6, 46.75],
    [0, 46.75],
  ];
  expect(unpacked({ type: "MultiLineString", coordinates: [line, [1, 2]] }).geometry).toEqual({
    type: "MultiLineString",
    coordinates: [points, [[0.01, 0.02]]],
  });
  expect(unpacked({ type: "MultiPolygon", coordinates: [[line], [line, line]] }).geometry).toEqual({
    type: "MultiPolygon",
    coordinates: [[points], [points, points]],
  });
});
