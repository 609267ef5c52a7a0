import type { StateVector } from "../stream/index.ts";

/**
 * Recorded states, played forwards: what is put on it is ordered by `last_contact`, and what has been played is not kept.
 */
export class Tape {
  private readonly latest = new Map<string, StateVector>();
  private waiting: StateVector[] = [];
  private next = 0;

  /** @param hold how long an aircraft that is not heard of stays in the picture, seconds */
  constructor(private readonly hold: number) {}

  /** How many aircraft are in the picture. */
  get size(): number {
    return this.latest.size;
  }

  /** Puts a state behind those that wait. */
  add(state: StateVector): void {
    this.waiting.push(state);
  }

  /** Plays up to a moment, Unix seconds; the answer is whether the picture is another one now. */
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
    // Not at every step: that would copy what waits again and again.
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

  /** The picture of the moment that was played to last. */
  states(): StateVector[] {
    return [...this.latest.values()];
  }
}
