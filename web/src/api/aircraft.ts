import { requestJson } from "./http.ts";
import type { KnownAircraft, KnownAircraftList, PastFlight, PastFlights } from "./types.ts";

const TIMEOUT = 20_000;
/** The server accepts this many addresses in a request. */
export const MAX_ADDRESSES = 500;
/** How long what is known about the world's aircraft is kept for the next search, milliseconds. */
const CACHE_TIME = 5 * 60_000;
/** The server's limit of a page. */
const MAX_FLIGHTS = 10_000;

/**
 * What is known about an aircraft in addition to its states.
 *
 * @throws ApiError, Error
 */
export async function readKnownAircraft(icao24: string, signal: AbortSignal): Promise<KnownAircraft> {
  return requestJson<KnownAircraft>(`api/v1/aircraft/${icao24}`, { signal, timeout: TIMEOUT });
}

/**
 * What is known about these aircraft, at most 500. Those of which nothing is known are left out.
 *
 * @throws ApiError, Error
 */
export async function readKnownAircraftOf(
  icao24s: readonly string[],
  signal: AbortSignal,
): Promise<readonly KnownAircraft[]> {
  const path = `api/v1/aircraft?icao24=${icao24s.join(",")}`;
  return (await requestJson<KnownAircraftList>(path, { signal, timeout: TIMEOUT })).aircraft;
}

let cache: { at: number; aircraft: readonly KnownAircraft[] } = { at: -Infinity, aircraft: [] };

/**
 * What is known about every aircraft of the world, at most five minutes old.
 *
 * @throws ApiError, Error
 */
export async function everyKnownAircraft(): Promise<readonly KnownAircraft[]> {
  if (Date.now() - cache.at < CACHE_TIME) return cache.aircraft;
  const { aircraft } = await requestJson<KnownAircraftList>("api/v1/aircraft", { timeout: TIMEOUT });
  cache = { at: Date.now(), aircraft };
  return aircraft;
}

/**
 * The flights of some aircraft, at most 500, that were in progress between two moments, Unix seconds.
 *
 * @throws ApiError with `isNotFound` where the server keeps no history, Error where it does not answer
 */
export async function readFlights(
  icao24s: readonly string[],
  from: number,
  to: number,
  signal: AbortSignal,
): Promise<readonly PastFlight[]> {
  const period = `from=${Math.floor(from)}&to=${Math.ceil(to)}&limit=${MAX_FLIGHTS}`;
  const path = `api/v1/flights/past?icao24=${icao24s.join(",")}&${period}`;
  return (await requestJson<PastFlights>(path, { signal, timeout: TIMEOUT })).flights;
}
