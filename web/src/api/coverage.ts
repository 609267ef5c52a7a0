import { requestJson } from "./http.ts";
import type { Coverage } from "./types.ts";

const TIMEOUT = 20_000;

/** Which coverage to read. */
export interface CoverageQuery {
  /** Unix seconds. */
  readonly from: number;
  readonly to: number;
  /** Shorter spans are merged with the one before, seconds. */
  readonly resolution: number;
}

/**
 * When the sources answered, and when none did.
 *
 * @throws ApiError with `isNotFound` where the server keeps no record of its polls, Error where it does not answer
 */
export async function readCoverage({ from, to, resolution }: CoverageQuery, signal: AbortSignal): Promise<Coverage> {
  const path = `api/v1/coverage?from=${from}&to=${to}&resolution=${resolution}`;
  return requestJson<Coverage>(path, { signal, timeout: TIMEOUT });
}
