import { Tape } from "../model/tape.ts";
import type { Box, StateVector } from "../stream/index.ts";
import { scopeQuery } from "../stream/index.ts";
import { serverAddress } from "./base.ts";
import { fetchWithRetry } from "./retry.ts";

/** Whom to tell. */
export interface PlayerEvents {
  /** Time has gone on; whether other states are shown. */
  readonly onMoment: (changed: boolean) => void;
}

/** How it plays. */
export type PlayerState =
  | { readonly kind: "playing" }
  | { readonly kind: "paused" }
  | { readonly kind: "loading" }
  /** It has come to the present, or to what is stored so far: it goes on when somebody chooses a moment, or has it play. */
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly reason: string };

/** What is asked for of each state: what the map and the details show. */
const FIELDS =
  "icao24,callsign,origin_country,lat,lon,velocity,true_track,vertical_rate,baro_altitude,geo_altitude,on_ground,squawk,spi,position_source,category,time_position,last_contact,observed_at";
/** Four steps a second. */
const STEP = 250;
/** So many seconds of what is played are loaded ahead, at least as real time goes. */
const AHEAD = 15;
const RETRY = 2_000;

/** What the source's answers tell of the times that are stored. Seconds. */
export interface Spacing {
  /** How long an aircraft that is not heard of stays in the picture. */
  readonly hold: number;
  /** Of what is older than this, everything is stored that ever will be. */
  readonly late: number;
}

/** Plays the stored history, from any moment on, at any speed. */
export class Player {
  /** The moment that is shown, Unix seconds. */
  at: number;
  speed = 10;
  state: PlayerState = { kind: "loading" };
  private wantsToPlay = true;
  /** Whether other states are shown than were told of. */
  private changed = true;
  private tape: Tape;
  /** Up to here everything was loaded. */
  private loaded = 0;
  private loading: AbortController | undefined;
  private before = performance.now();
  private readonly timer: number;

  constructor(
    at: number,
    private box: Box | undefined,
    private readonly spacing: Spacing,
    private readonly events: PlayerEvents,
  ) {
    this.at = at;
    this.tape = new Tape(spacing.hold);
    this.seek(at);
    this.timer = window.setInterval(() => {
      this.step();
    }, STEP);
  }

  states(): StateVector[] {
    return this.tape.states();
  }

  get isPlaying(): boolean {
    return this.wantsToPlay && this.state.kind !== "ended";
  }

  play(playing: boolean): void {
    this.wantsToPlay = playing;
    // More may be stored by now, also of the time that was loaded.
    if (playing && this.state.kind === "ended") this.seek(this.at);
    this.step();
  }

  /** Goes to a moment. */
  seek(at: number): void {
    this.at = Math.min(at, Date.now() / 1000);
    this.tape = new Tape(this.spacing.hold);
    this.changed = true;
    this.loaded = Math.floor(this.at - this.spacing.hold);
    this.loading?.abort();
    this.loading = undefined;
    this.become({ kind: "loading" });
    this.fill();
  }

  /** Shows another part of the sky. */
  look(box: Box | undefined): void {
    this.box = box;
    if (this.state.kind === "ended") this.wantsToPlay = false;
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
    if (this.wantsToPlay && isReady) this.at = Math.min(this.at + seconds, Math.max(this.loaded, this.at));
    if (this.tape.play(this.at)) this.changed = true;
    if (isReady && this.at >= this.complete - AHEAD) this.become({ kind: "ended" });
    else {
      this.fill();
      if (this.state.kind === "failed" && !isReady) return;
      this.become({ kind: !isReady ? "loading" : this.wantsToPlay ? "playing" : "paused" });
    }
  }

  /** Up to here everything is stored, Unix seconds: the source tells of what it hears only when it is asked the next time. */
  private get complete(): number {
    return Date.now() / 1000 - this.spacing.late;
  }

  private become(state: PlayerState): void {
    this.state = state;
  }

  /** Loads more where less is there than will soon be played. */
  private fill(): void {
    const ahead = AHEAD * Math.max(this.speed, 4);
    if (this.loading !== undefined || this.loaded >= this.at + ahead / 2) return;
    // Of a moment that somebody chose beyond it, what is there is shown.
    const end = Math.max(this.complete, this.at);
    const to = Math.floor(Math.min(this.at + ahead, end));
    // Where the end is near, a little more is there every second: not each little is worth a question.
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
      // What was not read whole is asked for again, from the last row that came.
      await new Promise((resolve) => setTimeout(resolve, RETRY));
    }
    if (this.loading === loading) this.loading = undefined;
  }

  private async read(to: number, signal: AbortSignal): Promise<void> {
    const query = scopeQuery(this.box === undefined ? {} : { box: this.box });
    query.set("from", String(this.loaded));
    query.set("to", String(to));
    query.set("fields", FIELDS);
    query.set("format", "ndjson");
    const response = await fetchWithRetry(serverAddress(`api/v1/history?${query.toString()}`), { signal });
    if (response.status === 404) throw new Error("This server stores nothing.");
    if (!response.ok) throw new Error("The history cannot be read at the moment.");
    if (response.body === null) throw new Error("The history is empty.");
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const tape = this.tape;
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") continue;
        const state = JSON.parse(line) as StateVector;
        tape.add(state);
        // A second may have more rows: it is whole when the next one has begun.
        this.loaded = Math.max(this.loaded, state.last_contact - 1);
      }
    }
    this.loaded = to;
  }
}
