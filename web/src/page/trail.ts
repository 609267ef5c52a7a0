import type { StateVector } from "../stream/index.ts";
import { continued, extended, loadTrack } from "./track.ts";
import type { Track } from "./track.ts";

/** What failed is asked for again after so many milliseconds. */
const RETRY = 10_000;

/** What a trail needs to know of the sky. */
export interface TrailSky {
  /** The moment that is shown, Unix seconds. */
  readonly now: () => number;
  readonly find: (icao24: string) => StateVector | undefined;
}

/** Where the selected aircraft was: what is stored of it, and what is heard of it meanwhile. */
export class Trail {
  /** What is shown: the track, or why there is none. */
  shown: Track | string = [];
  private icao24: string | undefined;
  /** What is known; `undefined` where it could not be read. */
  private track: Track | undefined;
  /** Why nothing is known of what was before the aircraft was selected. */
  private note: string | undefined;
  private loading: AbortController | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly sky: TrailSky,
    private readonly onChange: (shown: Track | string) => void,
  ) {}

  /** Shows another aircraft's, or the same one's of another moment; `undefined`: nobody's. */
  select(icao24: string | undefined): void {
    this.icao24 = icao24;
    this.note = undefined;
    this.become([]);
    if (icao24 !== undefined) this.show("Asking for what is stored …");
    this.renew();
  }

  /** Asks anew for what is stored up to the moment that is shown. What is shown stays until the answer comes. */
  renew(): void {
    this.rest();
    if (this.icao24 === undefined) return;
    this.loading = new AbortController();
    void this.load(this.icao24, this.loading.signal);
  }

  /** Asks for nothing more, until it is to renew. */
  rest(): void {
    clearTimeout(this.retry);
    this.loading?.abort();
    this.loading = undefined;
  }

  /** Goes on to where the aircraft is now, or to what is stored of it since the place that is known. */
  extend(state: StateVector): void {
    // The answer that is waited for is joined with the newest state.
    if (this.loading !== undefined || this.track === undefined || state.icao24 !== this.icao24) return;
    const track = extended(this.track, state);
    if (track === "gap") this.renew();
    else if (track !== this.track) this.become(track);
  }

  private async load(icao24: string, signal: AbortSignal): Promise<void> {
    try {
      const track = await loadTrack(icao24, this.sky.now(), signal);
      if (signal.aborted) return;
      this.loading = undefined;
      this.note = track === undefined ? "This server stores nothing." : undefined;
      const state = this.sky.find(icao24);
      this.become(state === undefined ? (track ?? []) : continued(track ?? [], state));
    } catch {
      if (signal.aborted) return;
      this.loading = undefined;
      // A line from before the failure to what is heard now would pass over what could not be read.
      this.become([]);
      this.track = undefined;
      this.show("The history cannot be read at the moment.");
      this.retry = setTimeout(() => {
        this.renew();
      }, RETRY);
    }
  }

  private become(track: Track): void {
    this.track = track;
    this.show(track);
    if (track.length < 2 && this.note !== undefined) this.show(this.note);
  }

  private show(shown: Track | string): void {
    this.shown = shown;
    this.onChange(shown);
  }
}
