import fc from "fast-check";
import { expect, test } from "vitest";

import type { StateVector } from "../stream/index.ts";
import { Tape } from "./tape.ts";

const state = (icao24: string, last_contact: number): StateVector => ({ icao24, last_contact }) as StateVector;
const seen = (tape: Tape): string[] =>
  tape
    .states()
    .map(({ icao24, last_contact }) => `${icao24} ${last_contact}`)
    .sort();

test("a moment shows the newest state of each aircraft that was heard lately", () => {
  const tape = new Tape(300);
  [state("a", 100), state("b", 110), state("a", 120), state("c", 500)].forEach((each) => {
    tape.add(each);
  });
  expect(tape.play(90)).toBe(false);
  expect(tape.play(115)).toBe(true);
  expect(seen(tape)).toEqual(["a 100", "b 110"]);
  expect(tape.play(116)).toBe(false);
  tape.play(415);
  expect(seen(tape)).toEqual(["a 120"]);
  tape.add(state("c", 501));
  tape.play(1000);
  expect([seen(tape), tape.size]).toEqual([[], 0]);
});

test("however it is cut into steps and pieces, the same moment shows the same picture", () => {
  const states = fc
    .array(fc.record({ icao24: fc.constantFrom("a", "b", "c", "d"), last_contact: fc.integer({ min: 0, max: 1000 }) }))
    .map((rows) => rows.sort((one, other) => one.last_contact - other.last_contact));
  fc.assert(
    fc.property(states, fc.array(fc.integer({ min: 0, max: 999 })), (rows, steps) => {
      const [whole, cut] = [new Tape(300), new Tape(300)];
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
