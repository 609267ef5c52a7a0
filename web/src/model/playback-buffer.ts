import type { RecordedState } from "../api/types.ts";
import type { Alert } from "../stream/index.ts";
import { alertsAfter } from "./alerts.ts";

interface Played {
  readonly state: RecordedState;
  readonly alerts: readonly Alert[];
}

/** Recorded states that are played forwards. They are added in the order of `last_contact`; played ones are dropped. */
export class PlaybackBuffer {
  private readonly latest = new Map<string, Played>();
  private waiting: RecordedState[] = [];
  private next = 0;

  /** @param hold how long an aircraft stays in the picture after its last contact, seconds */
  constructor(private readonly hold: number) {}

  /** The number of aircraft in the picture. */
  get size(): number {
    return this.latest.size;
  }

  /** Adds a state behind the waiting ones. */
  add(state: RecordedState): void {
    this.waiting.push(state);
  }

  /** Plays up to a moment, Unix seconds. Returns whether the picture has changed. */
  play(until: number): boolean {
    let changed = false;
    for (; this.next < this.waiting.length; this.next += 1) {
      const state = this.waiting[this.next];
      if (state === undefined || state.last_contact > until) break;
      const known = this.latest.get(state.icao24);
      if (known !== undefined && known.state.last_contact >= state.last_contact) continue;
      // An aircraft that was silent for longer has left the picture, and its alerts have ended.
      const isContinued = known !== undefined && state.last_contact - known.state.last_contact <= this.hold;
      this.latest.set(state.icao24, { state, alerts: alertsAfter(isContinued ? known.alerts : [], state) });
      changed = true;
    }
    // Not at every step, which would copy the waiting states again and again.
    if (this.next > 10_000 || this.next === this.waiting.length) {
      this.waiting = this.waiting.slice(this.next);
      this.next = 0;
    }
    for (const [icao24, { state }] of this.latest) {
      if (state.last_contact >= until - this.hold) continue;
      this.latest.delete(icao24);
      changed = true;
    }
    return changed;
  }

  /** The picture at the latest moment. */
  states(): RecordedState[] {
    return [...this.latest.values()].map(({ state }) => state);
  }

  /** The alerts at the latest moment. */
  alerts(): Alert[] {
    return [...this.latest.values()].flatMap(({ alerts }) => alerts);
  }
}
