import { requestJson } from "./http.ts";
import type { CountryTraffic, HourlyTraffic, Stats } from "./types.ts";

const TIMEOUT = 10_000;

/** A period, Unix seconds. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

/**
 * The traffic of each hour of a period; without one, of the last 24 hours.
 *
 * @throws ApiError with `isNotFound` where the server keeps no history, Error where it does not answer
 */
export async function hourlyTraffic(period?: Period): Promise<readonly HourlyTraffic[]> {
  return await rows("hour", period);
}

/**
 * The same by country of registration.
 *
 * @throws ApiError, Error
 */
export async function countryTraffic(period?: Period): Promise<readonly CountryTraffic[]> {
  return (await rows("country", period)).filter((row) => "origin_country" in row);
}

async function rows(by: Stats["by"], period: Period | undefined): Promise<Stats["rows"]> {
  const limits = period === undefined ? "" : `&from=${Math.floor(period.from)}&to=${Math.ceil(period.to)}`;
  return (await requestJson<Stats>(`api/v1/stats?by=${by}${limits}`, { timeout: TIMEOUT })).rows;
}
