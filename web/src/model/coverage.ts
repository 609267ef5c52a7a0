import type { Coverage } from "../api/types.ts";
import { sourceName } from "./sources.ts";
import { period, shortClock } from "./time.ts";

/** A time in which no source answered, Unix seconds. An end is `undefined` where it is not in the coverage. */
export interface Gap {
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/** What is known of the sources at a moment. */
export interface CoverageAt {
  /** The gap around it. */
  readonly gap?: Gap;
  /** The names of the sources that did not answer while others did. */
  readonly missing: readonly string[];
}

/** What is known of the sources at a moment, Unix seconds. Without a coverage nothing is known. */
export function coverageAt(coverage: Coverage | undefined, at: number): CoverageAt {
  if (coverage === undefined) return { missing: [] };
  const isAround = ({ from, to }: { from: number; to: number }): boolean => from <= at && at < to;
  const gap = coverage.gaps.find(isAround);
  if (gap !== undefined) {
    const from = gap.from > coverage.from ? gap.from : undefined;
    return { gap: { from, to: gap.to < coverage.to ? gap.to : undefined }, missing: [] };
  }
  // A source without records may have been added later, or removed.
  const missing = coverage.sources.filter(({ spans }) => {
    const span = spans.find(isAround);
    return span?.observed === "gap" && span.outcome !== "no_record";
  });
  return { missing: missing.map(({ source }) => sourceName(source)) };
}

/** A gap as a sentence: `No data was collected from 13:10 to 13:25 UTC.` */
export function gapSentence({ from, to }: Gap): string {
  if (from !== undefined && to !== undefined) return `No data was collected from ${period(from, to)}.`;
  if (from !== undefined) return `No data has been collected since ${shortClock(from)}.`;
  return to === undefined ? "No data was collected." : `No data was collected until ${shortClock(to)}.`;
}

/** A part of a timeline, as fractions of its length. */
export interface Shade {
  readonly start: number;
  readonly length: number;
}

/** Shades that are closer than this cannot be told apart. */
const MIN_DISTANCE = 1 / 1_000;

/** The gaps on a timeline between two moments, Unix seconds. */
export function shades(coverage: Coverage | undefined, from: number, to: number): Shade[] {
  if (coverage === undefined || to <= from) return [];
  const fraction = (at: number): number => Math.min(1, Math.max(0, (at - from) / (to - from)));
  const shades: Shade[] = [];
  for (const gap of coverage.gaps) {
    const [start, end] = [fraction(gap.from), fraction(gap.to)];
    if (end <= start) continue;
    const last = shades.at(-1);
    if (last === undefined || start - (last.start + last.length) > MIN_DISTANCE) {
      shades.push({ start, length: end - start });
    } else shades[shades.length - 1] = { start: last.start, length: end - last.start };
  }
  return shades;
}
