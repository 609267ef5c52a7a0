import fc from "fast-check";
import { expect, test } from "vitest";

import type { StateVector } from "../stream/index.ts";
import { PlaybackBuffer } from "./playback-buffer.ts";

const state = (icao24: string, last_contact: number): StateVector => ({ icao24, last_contact }) as StateVector;
const seen = (buffer: PlaybackBuffer<StateVector>): string[] =>
  buffer
    .states()
    .map(({ icao24, last_contact }) => `${icao24} ${last_contact}`)
    .sort();

test("a moment shows the latest state of each aircraft with a recent contact", () => {
  const buffer = new PlaybackBuffer<StateVector>(300);
  [state("a", 100), state("b", 110), state("a", 120), state("c", 500)].forEach((each) => {
    buffer.add(each);
  });
  expect(buffer.play(90)).toBe(false);
  expect(buffer.play(115)).toBe(true);
  expect(seen(buffer)).toEqual(["a 100", "b 110"]);
  expect(buffer.play(116)).toBe(false);
  buffer.play(415);
  expect(seen(buffer)).toEqual(["a 120"]);
  buffer.add(state("c", 501));
  buffer.play(1000);
  expect([seen(buffer), buffer.size]).toEqual([[], 0]);
});

test("the picture of a moment does not depend on the steps and pieces that led to it", () => {
  const states = fc
    .array(fc.record({ icao24: fc.constantFrom("a", "b", "c", "d"), last_contact: fc.integer({ min: 0, max: 1000 }) }))
    .map((rows) => rows.sort((one, other) => one.last_contact - other.last_contact));
  fc.assert(
    fc.property(states, fc.array(fc.integer({ min: 0, max: 999 })), (rows, steps) => {
      const [whole, cut] = [new PlaybackBuffer<StateVector>(300), new PlaybackBuffer(300)];
      rows.forEach((row) => {
        whole.add(row as StateVector);
      });
      whole.play(1000);
      let added = 0;
      for (const step of steps.sort((one, other) => one - other)) {
        for (; (rows[added]?.last_contact ?? Infinity) <= step; added += 1) cut.add(rows[added] as StateVector);
        cut.play(step);
      }
      rows.slice(added).forEach((row) => {
        cut.add(row as StateVector);
      });
      cut.play(1000);
      expect(seen(cut)).toEqual(seen(whole));
    }),
  );
});
