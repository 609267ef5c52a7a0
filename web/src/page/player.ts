import { readHistory } from "../api/history.ts";
import { ApiError } from "../api/http.ts";
import type { RecordedState } from "../api/types.ts";
import { PlaybackBuffer } from "../model/playback-buffer.ts";
import type { Alert, Box } from "../stream/index.ts";

export interface PlayerEvents {
  /** Time has passed; `changed` says whether the states have changed. */
  readonly onMoment: (changed: boolean) => void;
}

/** The state of a player. */
export type PlayerState =
  | { readonly kind: "playing" }
  | { readonly kind: "paused" }
  | { readonly kind: "loading" }
  /** It has reached the end of the recording, and continues when the user chooses a moment or presses play. */
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly reason: string };

/** Milliseconds between two steps. */
const STEP = 250;
/** How many seconds of real time to load ahead. */
const AHEAD = 15;
const RETRY = 2_000;

/** What the poll interval of the source means for recorded traffic, seconds. */
export interface PollTiming {
  /** How long an aircraft stays in the picture after its last contact. */
  readonly hold: number;
  /** Older traffic than this is stored completely. */
  readonly late: number;
}

/** Plays recorded traffic from any moment at any speed. */
export class Player {
  /** The moment that is shown, Unix seconds. */
  at: number;
  speed = 10;
  state: PlayerState = { kind: "loading" };
  private shouldPlay = true;
  /** Whether the states have changed since the latest `onMoment`. */
  private changed = true;
  private buffer: PlaybackBuffer;
  /** Everything up to here is loaded, Unix seconds. */
  private loaded = 0;
  private loading: AbortController | undefined;
  private before = performance.now();
  private readonly timer: number;

  constructor(
    at: number,
    private box: Box | undefined,
    private readonly timing: PollTiming,
    private readonly events: PlayerEvents,
  ) {
    this.at = at;
    this.buffer = new PlaybackBuffer(timing.hold);
    this.seek(at);
    this.timer = window.setInterval(() => {
      this.step();
    }, STEP);
  }

  states(): RecordedState[] {
    return this.buffer.states();
  }

  alerts(): Alert[] {
    return this.buffer.alerts();
  }

  get isPlaying(): boolean {
    return this.shouldPlay && this.state.kind !== "ended";
  }

  play(playing: boolean): void {
    this.shouldPlay = playing;
    // More may be stored by now, even of the time that is loaded.
    if (playing && this.state.kind === "ended") this.seek(this.at);
    this.step();
  }

  /** Goes to a moment. */
  seek(at: number): void {
    this.at = Math.min(at, Date.now() / 1000);
    this.buffer = new PlaybackBuffer(this.timing.hold);
    this.changed = true;
    this.loaded = Math.floor(this.at - this.timing.hold);
    this.loading?.abort();
    this.loading = undefined;
    this.become({ kind: "loading" });
    this.fill();
  }

  /** Shows the traffic in another box. */
  setBox(box: Box | undefined): void {
    this.box = box;
    if (this.state.kind === "ended") this.shouldPlay = false;
    this.seek(this.at);
  }

  stop(): void {
    window.clearInterval(this.timer);
    this.loading?.abort();
  }

  private step(): void {
    const now = performance.now();
    const seconds = Math.min((now - this.before) / 1000, 1);
    this.before = now;
    if (this.state.kind !== "ended") this.advance(seconds * this.speed);
    const { changed } = this;
    this.changed = false;
    this.events.onMoment(changed);
  }

  private advance(seconds: number): void {
    const isReady = this.loaded >= Math.floor(this.at);
    if (this.shouldPlay && isReady) this.at = Math.min(this.at + seconds, Math.max(this.loaded, this.at));
    if (this.buffer.play(this.at)) this.changed = true;
    if (isReady && this.at >= this.complete - AHEAD) this.become({ kind: "ended" });
    else {
      this.fill();
      if (this.state.kind === "failed" && !isReady) return;
      this.become({ kind: !isReady ? "loading" : this.shouldPlay ? "playing" : "paused" });
    }
  }

  /** Everything up to here is stored, Unix seconds: later traffic arrives with the next poll. */
  private get complete(): number {
    return Date.now() / 1000 - this.timing.late;
  }

  private become(state: PlayerState): void {
    // The end of loading is a change, even where nothing is recorded.
    if (this.state.kind === "loading" && state.kind !== "loading") this.changed = true;
    this.state = state;
  }

  /** Loads more when little is left to play. */
  private fill(): void {
    const ahead = AHEAD * Math.max(this.speed, 4);
    if (this.loading !== undefined || this.loaded >= this.at + ahead / 2) return;
    // A chosen moment may lie beyond: its traffic is shown as far as it is stored.
    const end = Math.max(this.complete, this.at);
    const to = Math.floor(Math.min(this.at + ahead, end));
    // Near the end a little more is stored every second: not every little is worth a request.
    if (to <= this.loaded || (this.loaded > this.at && to < this.loaded + AHEAD / 2)) return;
    const loading = new AbortController();
    this.loading = loading;
    void this.load(to, loading);
  }

  private async load(to: number, loading: AbortController): Promise<void> {
    try {
      await this.read(to, loading.signal);
    } catch (error) {
      if (loading.signal.aborted) return;
      this.become({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
      // The next attempt continues after the last row that arrived.
      await new Promise((resolve) => setTimeout(resolve, RETRY));
    }
    if (this.loading === loading) this.loading = undefined;
  }

  private async read(to: number, signal: AbortSignal): Promise<void> {
    const { buffer, box } = this;
    try {
      for await (const states of readHistory({ from: this.loaded, to, box }, { signal })) {
        signal.throwIfAborted();
        for (const state of states) buffer.add(state);
        // A second may have more rows: it is complete once the next one has begun.
        const latest = states.at(-1);
        if (latest !== undefined) this.loaded = Math.max(this.loaded, latest.last_contact - 1);
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const hasHistory = error.status !== 404;
      const message = hasHistory ? "History is temporarily unavailable; retrying …" : "This server keeps no history.";
      throw new Error(message, { cause: error });
    }
    signal.throwIfAborted();
    this.loaded = to;
  }
}
