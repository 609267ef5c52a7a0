import { requestJson } from "./http.ts";
import type { KnownAircraft } from "./types.ts";

const TIMEOUT = 20_000;

/**
 * What is known about an aircraft in addition to its states.
 *
 * @throws ApiError, Error
 */
export async function readKnownAircraft(icao24: string, signal: AbortSignal): Promise<KnownAircraft> {
  return requestJson<KnownAircraft>(`api/v1/aircraft/${icao24}`, { signal, timeout: TIMEOUT });
}
