import type { ServerStatus } from "../model/health.ts";
import type { HourOfTraffic } from "../model/statistics.ts";
import type { StateVector } from "../stream/index.ts";
import { serverAddress } from "./base.ts";
import { fetchWithRetry } from "./retry.ts";

const EVERY = 5_000;
const PATIENCE = 10_000;

/** Asks for `/api/v1/status` again and again. What failed is asked for again; the stream tells that the server is away. */
export class StatusReader {
  latest: ServerStatus | undefined;
  private timer: number | undefined;
  private running = false;

  constructor(private readonly onStatus: () => void) {}

  start(): void {
    if (this.running) return;
    this.running = true;
    void this.ask();
  }

  stop(): void {
    this.running = false;
    window.clearTimeout(this.timer);
  }

  private async ask(): Promise<void> {
    try {
      const response = await fetch(serverAddress("api/v1/status"), {
        signal: AbortSignal.timeout(PATIENCE),
        cache: "no-store",
      });
      this.latest = response.ok ? ((await response.json()) as ServerStatus) : undefined;
    } catch {
      this.latest = undefined;
    }
    this.onStatus();
    window.clearTimeout(this.timer);
    if (!this.running) return;
    this.timer = window.setTimeout(() => {
      void this.ask();
    }, EVERY);
  }
}

/**
 * Where an aircraft is now; `undefined` where it is in no current answer.
 *
 * @throws Error where the server does not answer
 */
export async function findAircraft(icao24: string, signal?: AbortSignal): Promise<StateVector | undefined> {
  return (await statesAt(`api/v1/flights?icao24=${icao24}`, signal))[0];
}

/** How long before a moment an aircraft may have been heard to be shown at it, seconds. */
const LONGEST_SILENCE = 3600;

/** The same at a moment of the past, Unix seconds. */
export async function findAircraftAt(
  icao24: string,
  at: number,
  signal: AbortSignal,
): Promise<StateVector | undefined> {
  const [from, to] = [Math.floor(at - LONGEST_SILENCE), Math.floor(at) + 1];
  return (await statesAt(`api/v1/flights/${icao24}/track?from=${from}&to=${to}&format=json`, signal)).at(-1);
}

async function statesAt(path: string, signal?: AbortSignal): Promise<readonly StateVector[]> {
  const response = await fetchWithRetry(serverAddress(path), {
    patience: PATIENCE,
    ...(signal === undefined ? {} : { signal }),
  });
  if (!response.ok) throw new Error(`the server returned ${response.status}`);
  return ((await response.json()) as { states: readonly StateVector[] }).states;
}

/** Whether an answer is the server's own problem document, and not that of a proxy which finds no server. */
export function isProblem(response: Response): boolean {
  return response.headers.get("Content-Type")?.startsWith("application/problem+json") === true;
}

/** How far back a replay looks for something to show. Seconds. */
const LONGEST_LOOK = 30 * 24 * 3600;
/** Within so many seconds after its first row an answer of the source is complete, where nobody says when it came. */
const FIRST_ANSWER = 15;

/** What is read of a stored row to know when it was. */
interface Stored {
  readonly last_contact: number;
  readonly observed_at: number | null;
}

/** The first row that is stored and not older than `from`, Unix seconds; `undefined` where there is none. */
async function firstStored(from: number): Promise<Stored | undefined> {
  const asking = new AbortController();
  try {
    const query = `from=${Math.floor(from)}&fields=last_contact,observed_at&format=ndjson`;
    const response = await fetchWithRetry(serverAddress(`api/v1/history?${query}`), {
      signal: asking.signal,
      patience: PATIENCE,
    });
    if (!response.ok || response.body === null) return undefined;
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let text = "";
    while (!text.includes("\n")) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += decoder.decode(value, { stream: true });
    }
    return JSON.parse(text.slice(0, text.indexOf("\n"))) as Stored;
  } finally {
    asking.abort();
  }
}

/**
 * The moment nearest to `at` from which on something is stored: that one itself, or the first after it, or the last hour before
 * it in which there was anything. `undefined` where there is none, or the server does not say.
 */
export async function storedFrom(at: number): Promise<number | undefined> {
  try {
    let first = await firstStored(at);
    if (first === undefined) {
      const query = `from=${Math.floor(at - LONGEST_LOOK)}&to=${Math.floor(at)}&by=hour`;
      const response = await fetchWithRetry(serverAddress(`api/v1/stats?${query}`), { patience: PATIENCE });
      if (!response.ok) return undefined;
      const { rows } = (await response.json()) as { rows: readonly HourOfTraffic[] };
      const hour = rows.findLast(({ states }) => states > 0)?.hour;
      first = hour === undefined ? undefined : await firstStored(hour);
    }
    if (first === undefined) return undefined;
    const { last_contact, observed_at } = first;
    if (last_contact >= at && last_contact < at + 60) return at;
    // Of the first aircraft nothing new may have been heard for minutes when the source told of it, and of others, first.
    return Math.max(last_contact + FIRST_ANSWER, observed_at ?? 0);
  } catch {
    return undefined;
  }
}

let everything: { at: number; states: readonly StateVector[] } = { at: 0, states: [] };

/**
 * Every aircraft of the world, at most half a minute old.
 *
 * @throws Error where the server does not answer
 */
export async function everyAircraft(): Promise<readonly StateVector[]> {
  if (Date.now() - everything.at < 30_000) return everything.states;
  const states = await statesAt("api/v1/flights");
  everything = { at: Date.now(), states };
  return states;
}
