import type { CountryTraffic, HourlyTraffic } from "../api/types.ts";
import type { StateVector } from "../stream/index.ts";
import { altitude } from "./aircraft.ts";

/** The count of one category. */
export interface Share {
  readonly name: string;
  readonly count: number;
}

/** The largest categories, and the sum of the others. */
function largest(counts: ReadonlyMap<string, number>, max: number): Share[] {
  const shares = [...counts].map(([name, count]) => ({ name, count }));
  shares.sort((one, other) => other.count - one.count || one.name.localeCompare(other.name));
  const others = shares.slice(max).reduce((sum, { count }) => sum + count, 0);
  return [...shares.slice(0, max), ...(others > 0 ? [{ name: "Other", count: others }] : [])];
}

/** Counts aircraft by country of registration. */
export function byCountry(states: readonly StateVector[], max: number): Share[] {
  const counts = new Map<string, number>();
  for (const { origin_country } of states) {
    const name = origin_country ?? "Unknown";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return largest(counts, max);
}

const BANDS = 5;

/**
 * Counts aircraft by altitude, highest first.
 *
 * @param height of a band, m
 * @param name formats the bounds of a band, which it gets in m
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

/** The countries with the most aircraft in any hour, each with its peak. */
export function busiestCountries(rows: readonly CountryTraffic[], max: number): Share[] {
  const peaks = new Map<string, number>();
  for (const { origin_country, aircraft } of rows) {
    const name = origin_country ?? "Unknown";
    peaks.set(name, Math.max(peaks.get(name) ?? 0, aircraft));
  }
  const shares = [...peaks].map(([name, count]) => ({ name, count }));
  return shares.sort((one, other) => other.count - one.count || one.name.localeCompare(other.name)).slice(0, max);
}

/** Every hour of the day up to `now`, including those without traffic. */
export function wholeDay(rows: readonly HourlyTraffic[], now: number): { hour: number; aircraft: number }[] {
  const known = new Map(rows.map(({ hour, aircraft }) => [hour, aircraft]));
  const present = Math.floor(now / 3600) * 3600;
  return Array.from({ length: 24 }, (_, index) => {
    const hour = present - (23 - index) * 3600;
    return { hour, aircraft: known.get(hour) ?? 0 };
  });
}
