import { requestJson } from "./http.ts";
import type { RetryOptions } from "./retry.ts";
import type { Flights, StateVector, Track } from "./types.ts";

const TIMEOUT = 10_000;
const TRACK_TIMEOUT = 20_000;
/** An aircraft stays in a replay for at most this long after its last contact, seconds. */
const MAX_SILENCE = 3600;
/** How long the world's aircraft are kept for the next search, milliseconds. */
const CACHE_TIME = 30_000;

/**
 * The current state of an aircraft; `undefined` where the server has none.
 *
 * @throws Error where the server does not answer
 */
export async function findAircraft(icao24: string, signal?: AbortSignal): Promise<StateVector | undefined> {
  const { states } = await requestJson<Flights>(`api/v1/flights?icao24=${icao24}`, options(signal));
  return states[0];
}

/**
 * The state of an aircraft at a moment of the past, Unix seconds.
 *
 * @throws Error where the server does not answer
 */
export async function findAircraftAt(
  icao24: string,
  at: number,
  signal: AbortSignal,
): Promise<StateVector | undefined> {
  const [from, to] = [Math.floor(at - MAX_SILENCE), Math.floor(at) + 1];
  const { states } = await requestJson<Track>(trackPath(icao24, from, to), options(signal));
  return states.at(-1);
}

/**
 * The states of an aircraft between two moments, Unix seconds.
 *
 * @throws ApiError with `isNotFound` where the server keeps no history, Error where it does not answer
 */
export async function statesBetween(
  icao24: string,
  from: number,
  to: number,
  signal: AbortSignal,
): Promise<readonly StateVector[]> {
  const path = trackPath(icao24, Math.floor(from), Math.ceil(to));
  return (await requestJson<Track>(path, { signal, timeout: TRACK_TIMEOUT })).states;
}

function trackPath(icao24: string, from: number, to: number): string {
  return `api/v1/flights/${icao24}/track?from=${from}&to=${to}&format=json`;
}

function options(signal: AbortSignal | undefined): RetryOptions {
  return { timeout: TIMEOUT, ...(signal !== undefined && { signal }) };
}

let cache: { at: number; states: readonly StateVector[] } = { at: 0, states: [] };

/**
 * Every aircraft of the world, at most half a minute old.
 *
 * @throws Error where the server does not answer
 */
export async function everyAircraft(): Promise<readonly StateVector[]> {
  if (Date.now() - cache.at < CACHE_TIME) return cache.states;
  const { states } = await requestJson<Flights>("api/v1/flights", options(undefined));
  cache = { at: Date.now(), states };
  return states;
}
