import type { StateVector } from "../stream/index.ts";

/** Recorded states that are played forwards. They are added in the order of `last_contact`; played ones are dropped. */
export class PlaybackBuffer<State extends StateVector> {
  private readonly latest = new Map<string, State>();
  private waiting: State[] = [];
  private next = 0;

  /** @param hold how long an aircraft stays in the picture after its last contact, seconds */
  constructor(private readonly hold: number) {}

  /** The number of aircraft in the picture. */
  get size(): number {
    return this.latest.size;
  }

  /** Adds a state behind the waiting ones. */
  add(state: State): void {
    this.waiting.push(state);
  }

  /** Plays up to a moment, Unix seconds. Returns whether the picture has changed. */
  play(until: number): boolean {
    let changed = false;
    for (; this.next < this.waiting.length; this.next += 1) {
      const state = this.waiting[this.next];
      if (state === undefined || state.last_contact > until) break;
      const known = this.latest.get(state.icao24);
      if (known !== undefined && known.last_contact >= state.last_contact) continue;
      this.latest.set(state.icao24, state);
      changed = true;
    }
    // Not at every step, which would copy the waiting states again and again.
    if (this.next > 10_000 || this.next === this.waiting.length) {
      this.waiting = this.waiting.slice(this.next);
      this.next = 0;
    }
    for (const [icao24, { last_contact }] of this.latest) {
      if (last_contact >= until - this.hold) continue;
      this.latest.delete(icao24);
      changed = true;
    }
    return changed;
  }

  /** The picture at the latest moment. */
  states(): State[] {
    return [...this.latest.values()];
  }
}
