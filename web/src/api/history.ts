import { scopeQuery } from "../stream/index.ts";
import type { Box } from "../stream/index.ts";
import { STATE_FIELDS } from "../stream/table.ts";
import { request } from "./http.ts";
import type { RetryOptions } from "./retry.ts";
import { hourlyTraffic } from "./stats.ts";
import type { RecordedState, StateVector } from "./types.ts";

/** How far back to search for recorded traffic, seconds. */
const MAX_SEARCH = 30 * 24 * 3600;
/** A response of the source is complete within this long after its first row, where the response time is unknown. Seconds. */
const FIRST_RESPONSE = 15;
const TIMEOUT = 10_000;

/** Which rows to read. */
export interface HistoryQuery {
  /** Unix seconds. */
  readonly from: number;
  readonly to?: number;
  readonly box?: Box | undefined;
}

/**
 * Reads stored states and their alerts, ordered by `last_contact`, piece by piece as they arrive.
 *
 * @throws ApiError where the answer is an error, Error where it breaks off
 */
export async function* readHistory(query: HistoryQuery, options: RetryOptions): AsyncGenerator<RecordedState[], void> {
  yield* readRows<RecordedState>(query, { fields: STATE_FIELDS.join(","), alerts: "true" }, options);
}

async function* readRows<Row>(
  { from, to, box }: HistoryQuery,
  columns: Readonly<Record<string, string>>,
  options: RetryOptions,
): AsyncGenerator<Row[], void> {
  const query = scopeQuery(box === undefined ? {} : { box });
  query.set("from", String(Math.floor(from)));
  if (to !== undefined) query.set("to", String(to));
  for (const [name, value] of Object.entries(columns)) query.set(name, value);
  query.set("format", "ndjson");
  const { body } = await request(`api/v1/history?${query.toString()}`, options);
  if (body === null) throw new Error("the answer is empty");
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield lines.flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Row]));
  }
}

type FirstRow = Pick<StateVector, "last_contact" | "observed_at">;

/** The first stored row at or after `from`, Unix seconds. */
async function firstStored(from: number): Promise<FirstRow | undefined> {
  const abort = new AbortController();
  const options = { signal: abort.signal, timeout: TIMEOUT };
  try {
    for await (const [first] of readRows<FirstRow>({ from }, { fields: "last_contact,observed_at" }, options)) {
      if (first !== undefined) return first;
    }
    return undefined;
  } finally {
    abort.abort();
  }
}

/**
 * The moment nearest to `at` from which traffic is recorded: `at` itself, else the first one after it, else the last hour
 * before it that has any. `undefined` where there is none, or the server does not answer.
 */
export async function findRecording(at: number): Promise<number | undefined> {
  try {
    let first = await firstStored(at);
    if (first === undefined) {
      const rows = await hourlyTraffic({ from: at - MAX_SEARCH, to: Math.floor(at) });
      const hour = rows.findLast(({ states }) => states > 0)?.hour;
      first = hour === undefined ? undefined : await firstStored(hour);
    }
    if (first === undefined) return undefined;
    const { last_contact, observed_at } = first;
    if (last_contact >= at && last_contact < at + 60) return at;
    // The first aircraft of a response may have been silent for minutes when the source sent it.
    return Math.max(last_contact + FIRST_RESPONSE, observed_at ?? 0);
  } catch {
    return undefined;
  }
}
