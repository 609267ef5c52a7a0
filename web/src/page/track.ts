import { statesBetween } from "../api/flights.ts";
import { ApiError } from "../api/http.ts";
import { altitude } from "../model/aircraft.ts";
import type { StateVector } from "../stream/index.ts";

/** The past positions of an aircraft, ordered by time. */
export type Track = readonly TrackPoint[];

export interface TrackPoint {
  /** Unix seconds */
  readonly time: number;
  readonly lat: number;
  readonly lon: number;
  /** m */
  readonly altitude: number | null;
  /** m/s */
  readonly velocity: number | null;
  readonly onGround: boolean | null;
}

/** How far back a track goes, seconds. */
const LENGTH = 6 * 3600;
/** A longer silence ends a flight: earlier positions are not drawn. Seconds. */
const MAX_GAP = 30 * 60;
/** No line is drawn across a longer time until the server has been asked for positions in between. Seconds. */
const MAX_LINE_GAP = 2 * 60;

/** The position of a state, if it has one. */
export function pointOf(state: StateVector): TrackPoint | undefined {
  const { lat, lon, time_position, velocity, on_ground } = state;
  if (lat === null || lon === null || time_position === null) return undefined;
  return { time: time_position, lat, lon, altitude: altitude(state), velocity, onGround: on_ground };
}

/** A track with the position of a newer state; `"gap"` where there may be others in between. */
export function extended(track: Track, state: StateVector): Track | "gap" {
  const point = pointOf(state);
  const last = track.at(-1);
  if (point === undefined || (last !== undefined && point.time <= last.time)) return track;
  return last !== undefined && point.time - last.time > MAX_LINE_GAP ? "gap" : [...track, point];
}

/** A complete track with the current position of its aircraft. */
export function continued(track: Track, state: StateVector): Track {
  const point = pointOf(state);
  return point === undefined || point.time <= (track.at(-1)?.time ?? -Infinity)
    ? track
    : newestFlight([...track, point]);
}

/** The latest flight of a track: the part after its last long silence. */
export function newestFlight(track: Track): Track {
  const gap = track.findLastIndex((point, i) => i > 0 && point.time - (track[i - 1]?.time ?? 0) > MAX_GAP);
  return gap === -1 ? track : track.slice(gap);
}

/**
 * The stored track of an aircraft up to a moment; `undefined` where the server keeps no history.
 *
 * @throws Error where it may be read later
 */
export async function loadTrack(icao24: string, now: number, signal: AbortSignal): Promise<Track | undefined> {
  try {
    const states = await statesBetween(icao24, now - LENGTH, now, signal);
    return newestFlight(states.flatMap((state) => pointOf(state) ?? []));
  } catch (error) {
    if (error instanceof ApiError && error.isNotFound) return undefined;
    throw error;
  }
}
