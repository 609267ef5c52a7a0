/**
 * What is known of an aircraft: the server's JSON object, field for field. `null` is unknown. SI units, WGS-84 degrees,
 * Unix seconds.
 */
export interface StateVector {
  /** The ICAO 24-bit address, six hexadecimal digits. */
  readonly icao24: string;
  callsign: string | null;
  origin_country: string | null;
  lat: number | null;
  lon: number | null;
  /** Over ground, m/s. */
  velocity: number | null;
  /** Degrees clockwise from north. */
  true_track: number | null;
  /** m/s, positive when climbing. */
  vertical_rate: number | null;
  /** Pressure altitude, m. */
  baro_altitude: number | null;
  /** Above the WGS-84 ellipsoid, m. */
  geo_altitude: number | null;
  on_ground: boolean | null;
  squawk: string | null;
  spi: boolean | null;
  /** 0 ADS-B, 1 ASTERIX, 2 MLAT, 3 FLARM. */
  position_source: number | null;
  /** ADS-B emitter category by OpenSky's numbers. */
  category: number | null;
  /** When it was where it is. */
  time_position: number | null;
  /** When anything was last heard of it. */
  last_contact: number;
  /** When the source said so. */
  observed_at: number | null;
}

/** A part of the sky. Without both members: all of it. */
export interface Scope {
  /** Only aircraft with a position in here. */
  readonly box?: Box;
  /** Only these. */
  readonly icao24?: readonly string[];
}

/** Degrees; `west > east` crosses the antimeridian. */
export interface Box {
  readonly south: number;
  readonly west: number;
  readonly north: number;
  readonly east: number;
}

/** Whether an aircraft is in a part of the sky: a stream sends some around it as well. */
export function isInScope(state: StateVector, { box, icao24 }: Scope): boolean {
  if (icao24 !== undefined && !icao24.includes(state.icao24)) return false;
  if (box === undefined) return true;
  const { lat, lon } = state;
  if (lat === null || lon === null || lat < box.south || lat > box.north) return false;
  return box.west <= box.east ? lon >= box.west && lon <= box.east : lon >= box.west || lon <= box.east;
}

/** The query of a stream's address for a part of the sky. */
export function scopeQuery({ box, icao24 }: Scope): URLSearchParams {
  const query = new URLSearchParams();
  if (box !== undefined) query.set("bbox", [box.south, box.west, box.north, box.east].join(","));
  if (icao24 !== undefined) query.set("icao24", icao24.join(","));
  return query;
}
