import type { components } from "../api/schema.ts";

/**
 * The state of an aircraft, as the server's JSON API describes it. `null` is unknown. SI units, WGS-84 degrees, Unix
 * seconds.
 */
export type StateVector = components["schemas"]["StateVector"];

/** Which aircraft to stream. Without members: all of them. */
export interface Scope {
  /** Only aircraft with a position in this box. */
  readonly box?: Box;
  /** Only these aircraft. */
  readonly icao24?: readonly string[];
}

/** Degrees; `west > east` crosses the antimeridian. */
export interface Box {
  readonly south: number;
  readonly west: number;
  readonly north: number;
  readonly east: number;
}

/** Whether an aircraft is in a scope. A stream also sends some aircraft around its scope. */
export function isInScope(state: StateVector, { box, icao24 }: Scope): boolean {
  if (icao24 !== undefined && !icao24.includes(state.icao24)) return false;
  if (box === undefined) return true;
  const { lat, lon } = state;
  if (lat === null || lon === null || lat < box.south || lat > box.north) return false;
  return box.west <= box.east ? lon >= box.west && lon <= box.east : lon >= box.west || lon <= box.east;
}

/** A scope as the query of the stream's address. */
export function scopeQuery({ box, icao24 }: Scope): URLSearchParams {
  const query = new URLSearchParams();
  if (box !== undefined) query.set("bbox", [box.south, box.west, box.north, box.east].join(","));
  if (icao24 !== undefined) query.set("icao24", icao24.join(","));
  return query;
}
