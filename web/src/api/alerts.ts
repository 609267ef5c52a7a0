import { requestJson } from "./http.ts";
import type { Alerts } from "./types.ts";

const TIMEOUT = 20_000;

/** Which stored alerts to read. */
export interface AlertsQuery {
  /** Only alerts that began in this period, Unix seconds. By default: in the last 24 hours. */
  readonly period?: { readonly from: number; readonly to: number } | undefined;
  /** The `next_cursor` of the page before. */
  readonly cursor?: string | undefined;
}

/**
 * A page of stored alerts, the newest first.
 *
 * @throws ApiError, Error
 */
export async function readAlertHistory({ period, cursor }: AlertsQuery, signal: AbortSignal): Promise<Alerts> {
  const query = new URLSearchParams();
  if (period !== undefined) {
    query.set("from", String(Math.floor(period.from)));
    query.set("to", String(Math.ceil(period.to)));
  }
  if (cursor !== undefined) query.set("cursor", cursor);
  return requestJson<Alerts>(`api/v1/alerts?${query.toString()}`, { signal, timeout: TIMEOUT });
}
