import { expect, test } from "vitest";

import type { Coverage } from "../api/types.ts";
import { coverageAt, gapSentence, shades } from "./coverage.ts";

const NOON = 1_795_521_600;
const MINUTE = 60;
const at = (minutes: number): number => NOON + minutes * MINUTE;

type Span = Coverage["sources"][number]["spans"][number];
const span = (from: number, to: number, outcome: string, observed: Span["observed"]): Span => ({
  from: at(from),
  to: at(to),
  outcome,
  observed,
});

/** An hour in which OpenSky fails twice, the second time together with the receiver, which was added later. */
const COVERAGE = {
  from: at(0),
  to: at(60),
  gaps: [
    { from: at(0), to: at(5) },
    { from: at(30), to: at(45) },
    { from: at(55), to: at(60) },
  ],
  sources: [
    {
      source: "opensky",
      spans: [
        span(0, 5, "no_record", "gap"),
        span(5, 10, "unavailable", "gap"),
        span(10, 30, "live", "covered"),
        span(30, 60, "refused", "gap"),
      ],
    },
    {
      source: "roof",
      spans: [
        span(0, 5, "unknown", "unknown"),
        span(5, 20, "live", "covered"),
        span(20, 30, "no_record", "gap"),
        span(30, 45, "unavailable", "gap"),
        span(45, 55, "quiet", "covered"),
        span(55, 60, "paused", "gap"),
      ],
    },
  ],
} as unknown as Coverage;

test("a moment is in a gap, or some sources are missing, or none", () => {
  expect(coverageAt(COVERAGE, at(2))).toEqual({ gap: { from: undefined, to: at(5) }, missing: [] });
  expect(coverageAt(COVERAGE, at(7))).toEqual({ missing: ["OpenSky"] });
  expect(coverageAt(COVERAGE, at(15))).toEqual({ missing: [] });
  // The receiver was not polled, so it is not expected to answer.
  expect(coverageAt(COVERAGE, at(25))).toEqual({ missing: [] });
  expect(coverageAt(COVERAGE, at(30))).toEqual({ gap: { from: at(30), to: at(45) }, missing: [] });
  expect(coverageAt(COVERAGE, at(45))).toEqual({ missing: ["OpenSky"] });
  expect(coverageAt(COVERAGE, at(59))).toEqual({ gap: { from: at(55), to: undefined }, missing: [] });
  expect([coverageAt(COVERAGE, at(-1)), coverageAt(undefined, at(30))]).toEqual([{ missing: [] }, { missing: [] }]);
});

test("a gap has a sentence, with the ends that are known", () => {
  expect(gapSentence({ from: at(30), to: at(45) })).toMatch(/^No data was collected from .*12:30 to 12:45 UTC\.$/);
  expect(gapSentence({ from: at(30), to: undefined })).toMatch(/^No data has been collected since .*12:30 UTC\.$/);
  expect(gapSentence({ from: undefined, to: at(5) })).toMatch(/^No data was collected until .*12:05 UTC\.$/);
  expect(gapSentence({ from: undefined, to: undefined })).toBe("No data was collected.");
});

test("the gaps are shaded where they lie on the timeline", () => {
  const minutes = (fraction: number): number => Math.round(fraction * 60);
  expect(shades(COVERAGE, at(0), at(60)).map(({ start, length }) => [minutes(start), minutes(length)])).toEqual([
    [0, 5],
    [30, 15],
    [55, 5],
  ]);
  expect(shades(COVERAGE, at(40), at(50))).toEqual([{ start: 0, length: 0.5 }]);
  // On a timeline of a month the three are one.
  expect(shades(COVERAGE, at(0), at(30 * 24 * 60))).toHaveLength(1);
  expect([shades(undefined, at(0), at(60)), shades(COVERAGE, at(5), at(5))]).toEqual([[], []]);
});
