import { MAX_ADDRESSES, readKnownAircraftOf } from "../api/aircraft.ts";
import type { KnownAircraft } from "../api/types.ts";
import { NO_FACTS } from "../model/facts.ts";
import type { PageState, PageStore } from "./state.ts";

/** Pause after a failed request, milliseconds. */
const PAUSE = 30_000;
/** Aircraft that are kept before all are forgotten: a page may be open for days, and move around the world. */
const MAX_KEPT = 30_000;

type Read = (icao24s: readonly string[], signal: AbortSignal) => Promise<readonly KnownAircraft[]>;

/**
 * Keeps what is known about the aircraft of the traffic in the store. It is read once for each aircraft, and again when the
 * callsign changes, from which the airline follows, or the server has loaded another aircraft table.
 */
export class FactsLoader {
  /** The callsigns for which the aircraft were read. */
  private readonly callsigns = new Map<string, string | null>();
  private request: AbortController | undefined;
  /** No request before this time, Unix milliseconds. */
  private pauseEnd = 0;
  private readonly retry = (): void => {
    this.update(this.store.state);
  };

  constructor(
    private readonly store: PageStore,
    private readonly read: Read = readKnownAircraftOf,
  ) {
    let table: number | null | undefined;
    store.on(["status"], ({ status }) => {
      const loaded = status?.aircraft_table?.loaded_at;
      if (loaded === undefined || loaded === table) return;
      if (table !== undefined) this.callsigns.clear();
      table = loaded;
    });
    let isReplay = false;
    store.on(["player"], ({ player }) => {
      if (isReplay === (player !== undefined)) return;
      isReplay = player !== undefined;
      this.request?.abort();
      this.request = undefined;
      this.callsigns.clear();
    });
    store.on(["traffic", "status", "player", "isHidden"], (state) => {
      this.update(state);
    });
  }

  private update({ traffic, isHidden, facts }: PageState): void {
    if (isHidden || this.request !== undefined || Date.now() < this.pauseEnd) return;
    if (this.callsigns.size > MAX_KEPT) this.callsigns.clear();
    const wanted = new Map<string, string | null>();
    for (const { icao24, callsign } of traffic.held) {
      // `null` is a callsign that is not known, `undefined` an aircraft that has not been read.
      if (this.callsigns.get(icao24) === callsign) continue;
      wanted.set(icao24, callsign);
      if (wanted.size === MAX_ADDRESSES) break;
    }
    if (wanted.size > 0) void this.load(wanted);
    else if (facts.isLoading) this.store.set({ facts: { ...facts, isLoading: false } });
  }

  private async load(wanted: ReadonlyMap<string, string | null>): Promise<void> {
    const request = new AbortController();
    this.request = request;
    this.publish({ isLoading: true });
    let aircraft: readonly KnownAircraft[];
    try {
      aircraft = await this.read([...wanted.keys()], request.signal);
    } catch {
      if (this.request !== request) return;
      this.request = undefined;
      this.pauseEnd = Date.now() + PAUSE;
      setTimeout(this.retry, PAUSE);
      this.publish({ isUnavailable: true });
      return;
    }
    // A replay has begun or ended since.
    if (this.request !== request) return;
    this.request = undefined;
    const isPast = this.store.state.player !== undefined;
    // Aircraft that are gone are forgotten along with the rest.
    const known = new Map(this.callsigns.size === 0 ? NO_FACTS.known : this.store.state.facts.known);
    for (const [icao24, callsign] of wanted) {
      this.callsigns.set(icao24, callsign);
      known.delete(icao24);
    }
    for (const one of aircraft) known.set(one.icao24, isPast ? withoutAirline(one) : one);
    this.publish({ known, isUnavailable: false });
    this.update(this.store.state);
  }

  private publish(change: Partial<PageState["facts"]>): void {
    this.store.set({ facts: { ...this.store.state.facts, ...change } });
  }
}

/** The airline follows from the callsign that is sent now, which is not that of the past. */
function withoutAirline(known: KnownAircraft): KnownAircraft {
  const past = { ...known };
  delete past.airline;
  return past;
}
