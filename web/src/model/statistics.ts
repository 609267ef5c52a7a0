import type { StateVector } from "../stream/index.ts";
import { altitude } from "./aircraft.ts";

/** How many of a kind. */
export interface Share {
  readonly name: string;
  readonly count: number;
}

/** One hour of `GET /api/v1/stats`. */
export interface HourOfTraffic {
  /** Its beginning, Unix seconds. */
  readonly hour: number;
  readonly states: number;
  /** Different aircraft. */
  readonly aircraft: number;
}

/** One hour of one country. */
export interface CountryOfTraffic extends HourOfTraffic {
  readonly origin_country: string | null;
}

/** The larger ones, and what is left of the others. */
function largest(counts: ReadonlyMap<string, number>, most: number): Share[] {
  const shares = [...counts].map(([name, count]) => ({ name, count }));
  shares.sort((one, other) => other.count - one.count || one.name.localeCompare(other.name));
  const others = shares.slice(most).reduce((sum, { count }) => sum + count, 0);
  return [...shares.slice(0, most), ...(others > 0 ? [{ name: "Other", count: others }] : [])];
}

/** The aircraft of this moment by the country of their registration. */
export function byCountry(states: readonly StateVector[], most: number): Share[] {
  const counts = new Map<string, number>();
  for (const { origin_country } of states) {
    const name = origin_country ?? "Unknown";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return largest(counts, most);
}

const BANDS = 5;

/**
 * The aircraft of this moment by altitude, highest first, in bands of so many metres. Their bounds are named by `name`, which is
 * given metres.
 */
export function byAltitude(states: readonly StateVector[], height: number, name: (metres: number) => string): Share[] {
  const counts = Array.from({ length: BANDS }, () => 0);
  let [ground, unknown] = [0, 0];
  for (const state of states) {
    const metres = altitude(state);
    if (state.on_ground === true) ground += 1;
    else if (metres === null) unknown += 1;
    else {
      const band = Math.max(0, Math.min(BANDS - 1, Math.floor(metres / height)));
      counts[band] = (counts[band] ?? 0) + 1;
    }
  }
  const bands = counts.map((count, band) => ({
    name:
      band === BANDS - 1
        ? `above ${name(band * height)}`
        : band === 0
          ? `below ${name(height)}`
          : `${name(band * height)} to ${name((band + 1) * height)}`,
    count,
  }));
  const rest = [
    { name: "on the ground", count: ground },
    { name: "unknown", count: unknown },
  ].filter(({ count }) => count > 0);
  return [...bands.reverse(), ...rest];
}

/** The countries with most aircraft in any hour of the day: how many there were in their fullest one. */
export function busiestCountries(rows: readonly CountryOfTraffic[], most: number): Share[] {
  const peaks = new Map<string, number>();
  for (const { origin_country, aircraft } of rows) {
    const name = origin_country ?? "Unknown";
    peaks.set(name, Math.max(peaks.get(name) ?? 0, aircraft));
  }
  const shares = [...peaks].map(([name, count]) => ({ name, count }));
  return shares.sort((one, other) => other.count - one.count || one.name.localeCompare(other.name)).slice(0, most);
}

/** Every hour of a day up to `now`, also those in which nothing was seen. */
export function wholeDay(rows: readonly HourOfTraffic[], now: number): { hour: number; aircraft: number }[] {
  const known = new Map(rows.map(({ hour, aircraft }) => [hour, aircraft]));
  const present = Math.floor(now / 3600) * 3600;
  return Array.from({ length: 24 }, (_, index) => {
    const hour = present - (23 - index) * 3600;
    return { hour, aircraft: known.get(hour) ?? 0 };
  });
}
