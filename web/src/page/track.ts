import { altitude } from "../model/aircraft.ts";
import type { StateVector } from "../stream/index.ts";
import { serverAddress } from "./base.ts";
import { fetchWithRetry } from "./retry.ts";
import { isProblem } from "./server.ts";

/** Where an aircraft was, ordered by time. */
export type Track = readonly TrackPoint[];

/** One place of it. */
export interface TrackPoint {
  /** When it was there, Unix seconds. */
  readonly time: number;
  readonly lat: number;
  readonly lon: number;
  /** m */
  readonly altitude: number | null;
  /** m/s */
  readonly velocity: number | null;
  readonly onGround: boolean | null;
}

/** How far back to look, seconds. */
const LENGTH = 6 * 3600;
/** A longer silence ends a flight: what was before is not drawn. Seconds. */
const LONGEST_GAP = 30 * 60;
/** Over more than this no line is drawn to what is heard now before it is known what is stored of the time between. Seconds. */
const LONGEST_LEAP = 2 * 60;
/** An answer that has not come after so many milliseconds does not come. */
const PATIENCE = 20_000;

/** The place that a state tells of. */
export function pointOf(state: StateVector): TrackPoint | undefined {
  const { lat, lon, time_position, velocity, on_ground } = state;
  if (lat === null || lon === null || time_position === null) return undefined;
  return { time: time_position, lat, lon, altitude: altitude(state), velocity, onGround: on_ground };
}

/** The same track with one more place, if it is a newer one; `"gap"` where there may be others between them. */
export function extended(track: Track, state: StateVector): Track | "gap" {
  const point = pointOf(state);
  const last = track.at(-1);
  if (point === undefined || (last !== undefined && point.time <= last.time)) return track;
  return last !== undefined && point.time - last.time > LONGEST_LEAP ? "gap" : [...track, point];
}

/** A track of which nothing newer is stored, up to where the aircraft is now. */
export function continued(track: Track, state: StateVector): Track {
  const point = pointOf(state);
  return point === undefined || point.time <= (track.at(-1)?.time ?? -Infinity)
    ? track
    : newestFlight([...track, point]);
}

/** The newest flight of a track: what follows its last long silence. */
export function newestFlight(track: Track): Track {
  const gap = track.findLastIndex((point, i) => i > 0 && point.time - (track[i - 1]?.time ?? 0) > LONGEST_GAP);
  return gap === -1 ? track : track.slice(gap);
}

/**
 * What is stored of an aircraft; `undefined` where the server stores nothing.
 *
 * @throws Error where it may be read later
 */
export async function loadTrack(icao24: string, now: number, signal: AbortSignal): Promise<Track | undefined> {
  const response = await fetchWithRetry(
    serverAddress(`api/v1/flights/${icao24}/track?from=${Math.floor(now - LENGTH)}&to=${Math.ceil(now)}&format=json`),
    { signal, patience: PATIENCE },
  );
  // Another 404 is of a proxy that finds no server.
  if (response.status === 404 && isProblem(response)) return undefined;
  if (!response.ok) throw new Error(`the server returned ${response.status}`);
  const { states } = (await response.json()) as { states: StateVector[] };
  return newestFlight(states.flatMap((state) => pointOf(state) ?? []));
}
