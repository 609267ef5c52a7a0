import { expect, test } from "vitest";

import { focus, freeArea, isCovered } from "./free-area.ts";

const MAP = { width: 1000, height: 600 };
const LEFT = { left: 10, top: 10, right: 350, bottom: 590 };
const RIGHT = { left: 600, top: 10, right: 990, bottom: 590 };
const BAR = { left: 350, top: 500, right: 990, bottom: 590 };

test("the focus is in the middle of the area that panels leave free", () => {
  expect(focus(MAP, [], [])).toEqual({ x: 500, y: 300 });
  expect(focus(MAP, [LEFT], [])).toEqual({ x: 675, y: 300 });
  expect(focus(MAP, [LEFT, RIGHT], [])).toEqual({ x: 475, y: 300 });
  expect(focus(MAP, [LEFT, RIGHT, BAR], [])).toEqual({ x: 475, y: 250 });
});

test("small overlays move the focus only where they cover it", () => {
  const legend = { left: 0, top: 560, right: 100, bottom: 600 };
  expect(focus(MAP, [], [legend])).toEqual({ x: 500, y: 300 });
  const inTheMiddle = { left: 450, top: 280, right: 550, bottom: 320 };
  expect(isCovered(focus(MAP, [], [inTheMiddle]), MAP, [inTheMiddle])).toBe(false);
});

test("without a useful free area the whole map counts", () => {
  const all = { left: 0, top: 30, right: 1000, bottom: 600 };
  expect(freeArea(MAP, [all])).toEqual({ left: 0, top: 0, right: 1000, bottom: 600 });
});

test("a place below an overlay or outside the map is covered", () => {
  expect(isCovered({ x: 20, y: 20 }, MAP, [LEFT])).toBe(true);
  expect(isCovered({ x: 500, y: 20 }, MAP, [LEFT])).toBe(false);
  expect(isCovered({ x: -1, y: 20 }, MAP, [])).toBe(true);
});
