import fc from "fast-check";
import { expect, test } from "vitest";

import type { RecordedState } from "../api/types.ts";
import { PlaybackBuffer } from "./playback-buffer.ts";

const RULE = "emergency-squawk";
const state = (icao24: string, last_contact: number, alerts: RecordedState["alerts"] = []): RecordedState =>
  ({ icao24, last_contact, alerts }) as unknown as RecordedState;
const seen = (buffer: PlaybackBuffer): string[] =>
  buffer
    .states()
    .map(({ icao24, last_contact }) => `${icao24} ${last_contact}`)
    .sort();

test("a moment shows the latest state of each aircraft with a recent contact", () => {
  const buffer = new PlaybackBuffer(300);
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

test("the alerts of an aircraft end when it leaves the picture", () => {
  const buffer = new PlaybackBuffer(300);
  for (const at of [100, 400, 800]) buffer.add(state("a", at, [{ rule: RULE, meaning: "emergency" }]));
  const since = (until: number): number[] => {
    buffer.play(until);
    return buffer.alerts().map((alert) => alert.since);
  };
  expect([since(99), since(100), since(500), since(701), since(800)]).toEqual([[], [100], [100], [], [800]]);
});

test("the picture of a moment does not depend on the steps and pieces that led to it", () => {
  const states = fc
    .array(
      fc
        .tuple(fc.constantFrom("a", "b", "c", "d"), fc.integer({ min: 0, max: 1000 }), fc.constantFrom("met", null, ""))
        .map(([icao24, at, meaning]) => state(icao24, at, meaning === "" ? [] : [{ rule: RULE, meaning }])),
    )
    .map((rows) => rows.sort((one, other) => one.last_contact - other.last_contact));
  fc.assert(
    fc.property(states, fc.array(fc.integer({ min: 0, max: 999 })), (rows, steps) => {
      const [whole, cut] = [new PlaybackBuffer(300), new PlaybackBuffer(300)];
      rows.forEach((row) => {
        whole.add(row);
      });
      whole.play(1000);
      let added = 0;
      for (const step of steps.sort((one, other) => one - other)) {
        for (; (rows[added]?.last_contact ?? Infinity) <= step; added += 1) cut.add(rows[added] as RecordedState);
        cut.play(step);
      }
      rows.slice(added).forEach((row) => {
        cut.add(row);
      });
      cut.play(1000);
      const alerts = (buffer: PlaybackBuffer): string[] =>
        buffer
          .alerts()
          .map(({ icao24, since }) => `${icao24} ${since}`)
          .sort();
      expect([seen(cut), alerts(cut)]).toEqual([seen(whole), alerts(whole)]);
    }),
  );
});
