import type { StateVector } from "../stream/index.ts";
import { extended, loadTrack } from "./track.ts";
import type { Track } from "./track.ts";

/** Where the selected aircraft was: what is stored of it, and what is heard of it meanwhile. */
export class Trail {
  /** What is shown: the track, or why there is none. */
  shown: Track | string = [];
  private track: Track = [];
  private loading = new AbortController();

  constructor(private readonly onChange: (shown: Track | string) => void) {}

  /** Forgets the aircraft. */
  clear(): void {
    this.loading.abort();
    this.loading = new AbortController();
    this.become([]);
  }

  /**
   * Asks for what is stored of an aircraft up to a moment, Unix seconds.
   *
   * @param newest its state when the answer comes, if it is in the picture
   */
  async load(icao24: string, until: number, newest: () => StateVector | undefined): Promise<void> {
    const { signal } = this.loading;
    this.show("Asking for what is stored …");
    try {
      const track = await loadTrack(icao24, until, signal);
      if (signal.aborted) return;
      const state = newest();
      this.become(state === undefined ? track : extended(track, state));
    } catch (error) {
      if (!signal.aborted) this.show(error instanceof Error ? error.message : String(error));
    }
  }

  /** Goes on to where the aircraft is now. */
  extend(state: StateVector): void {
    const track = extended(this.track, state);
    if (track !== this.track) this.become(track);
  }

  private become(track: Track): void {
    this.track = track;
    this.show(track);
  }

  private show(shown: Track | string): void {
    this.shown = shown;
    this.onChange(shown);
  }
}
