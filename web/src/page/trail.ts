import type { StateVector } from "../stream/index.ts";
import { shownTime } from "./state.ts";
import type { PageStore } from "./state.ts";
import { continued, extended, loadTrack } from "./track.ts";
import type { Track } from "./track.ts";

/** Pause before a failed request is repeated, milliseconds. */
const RETRY = 10_000;

/** Where a trail gets the present from. */
export interface TrailSource {
  /** The time that is shown, Unix seconds. */
  readonly now: () => number;
  readonly find: (icao24: string) => StateVector | undefined;
}

/** The track of the selected aircraft: its stored positions, continued by live ones. */
export class Trail {
  private icao24: string | undefined;
  /** `undefined` where it could not be read. */
  private track: Track | undefined;
  /** Why there is no stored track. */
  private note: string | undefined;
  private loading: AbortController | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly source: TrailSource,
    /** Shows a track, or why there is none. */
    private readonly show: (track: Track | string) => void,
  ) {}

  /** Shows the track of another aircraft, or of another moment; `undefined`: none. */
  select(icao24: string | undefined): void {
    this.icao24 = icao24;
    this.note = undefined;
    this.become([]);
    if (icao24 !== undefined) this.show("Loading history …");
    this.reload();
  }

  /** Requests the track up to the time that is shown. The present one stays until the answer arrives. */
  reload(): void {
    this.stop();
    if (this.icao24 === undefined) return;
    this.loading = new AbortController();
    void this.load(this.icao24, this.loading.signal);
  }

  /** Cancels all requests until the next `reload`. */
  stop(): void {
    clearTimeout(this.retry);
    this.loading?.abort();
    this.loading = undefined;
  }

  /** Continues the track to the aircraft's current position. Positions missing in between are requested. */
  extend(state: StateVector): void {
    // A pending answer will be joined with the latest state.
    if (this.loading !== undefined || this.track === undefined || state.icao24 !== this.icao24) return;
    const track = extended(this.track, state);
    if (track === "gap") this.reload();
    else if (track !== this.track) this.become(track);
  }

  private async load(icao24: string, signal: AbortSignal): Promise<void> {
    try {
      const track = await loadTrack(icao24, this.source.now(), signal);
      if (signal.aborted) return;
      this.loading = undefined;
      this.note = track === undefined ? "This server keeps no history." : undefined;
      const state = this.source.find(icao24);
      this.become(state === undefined ? (track ?? []) : continued(track ?? [], state));
    } catch {
      if (signal.aborted) return;
      this.loading = undefined;
      // A line from before the failure to the present would skip the positions that could not be read.
      this.become([]);
      this.track = undefined;
      this.show("History is temporarily unavailable; retrying …");
      this.retry = setTimeout(() => {
        this.reload();
      }, RETRY);
    }
  }

  private become(track: Track): void {
    this.track = track;
    this.show(track);
    if (track.length < 2 && this.note !== undefined) this.show(this.note);
  }
}

/** Keeps the track of the selected aircraft in the store. */
export function trackSelected(store: PageStore): void {
  const source: TrailSource = {
    now: () => shownTime(store.state),
    find: (icao24) => (store.state.aircraft?.icao24 === icao24 ? store.state.aircraft : undefined),
  };
  const trail = new Trail(source, (track) => {
    store.set({ track });
  });
  store.on(["selected", "jumps"], ({ selected }) => {
    trail.select(selected);
  });
  store.on(["aircraft", "traffic"], ({ aircraft }) => {
    if (aircraft !== undefined) trail.extend(aircraft);
  });
  store.on(["isHidden"], ({ isHidden }) => {
    if (isHidden) trail.stop();
    else trail.reload();
  });
}
