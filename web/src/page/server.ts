import type { ServerStatus } from "../model/health.ts";
import type { StateVector } from "../stream/index.ts";

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
      const response = await fetch("/api/v1/status", { signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
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

/** Where an aircraft is now; `undefined` where it is nowhere, or the server does not answer. */
export async function findAircraft(icao24: string): Promise<StateVector | undefined> {
  try {
    const response = await fetch(`/api/v1/flights?icao24=${icao24}`, { signal: AbortSignal.timeout(PATIENCE) });
    if (!response.ok) return undefined;
    const { states } = (await response.json()) as { states: readonly StateVector[] };
    return states[0];
  } catch {
    return undefined;
  }
}

let everything: { at: number; states: readonly StateVector[] } = { at: 0, states: [] };

/** Every aircraft of the world, at most half a minute old; none where the server does not answer. */
export async function everyAircraft(): Promise<readonly StateVector[]> {
  if (Date.now() - everything.at < 30_000) return everything.states;
  try {
    const response = await fetch("/api/v1/flights", { signal: AbortSignal.timeout(PATIENCE) });
    if (!response.ok) return [];
    const { states } = (await response.json()) as { states: readonly StateVector[] };
    everything = { at: Date.now(), states };
    return states;
  } catch {
    return [];
  }
}
