import { findAircraft, findAircraftAt } from "../api/flights.ts";
import type { StateVector } from "../stream/index.ts";
import { shownTime } from "./state.ts";
import type { PageStore } from "./state.ts";

/** Pause between two requests, milliseconds. */
const INTERVAL = 5_000;

/** The result of a search for an aircraft outside the loaded area. */
export type Lookup =
  | { readonly kind: "loading" }
  | { readonly kind: "found"; readonly state: StateVector }
  /** The server has no current state of it. */
  | { readonly kind: "absent" }
  /** The server did not answer. */
  | { readonly kind: "unavailable" };

const LOADING: Lookup = { kind: "loading" };

/** Looks an aircraft up by its address, wherever it is. */
export class AircraftLookup {
  private known: Lookup = LOADING;
  private icao24: string | undefined;
  private requestedAt = -Infinity;
  private request: AbortController | undefined;

  constructor(
    private readonly find: (icao24: string, signal: AbortSignal) => Promise<StateVector | undefined>,
    private readonly onChange: () => void,
  ) {}

  /** The latest result for an aircraft. */
  of(icao24: string): Lookup {
    return icao24 === this.icao24 ? this.known : LOADING;
  }

  /** Requests an aircraft, at most once per interval: call it for as long as the aircraft is needed. */
  update(icao24: string): void {
    if (icao24 !== this.icao24) this.forget();
    this.icao24 = icao24;
    if (this.request !== undefined || Date.now() - this.requestedAt < INTERVAL) return;
    this.requestedAt = Date.now();
    const request = new AbortController();
    this.request = request;
    void this.load(icao24, request);
  }

  /** Forgets the aircraft: none is needed, or its state of another moment. */
  forget(): void {
    this.request?.abort();
    this.request = undefined;
    this.icao24 = undefined;
    this.requestedAt = -Infinity;
    this.known = LOADING;
  }

  private async load(icao24: string, request: AbortController): Promise<void> {
    let known: Lookup;
    try {
      const state = await this.find(icao24, request.signal);
      known = state === undefined ? { kind: "absent" } : { kind: "found", state };
    } catch {
      // An earlier state stays; its age shows that it is not new.
      known = this.known.kind === "found" ? this.known : { kind: "unavailable" };
    }
    if (this.request !== request) return;
    this.request = undefined;
    this.known = known;
    this.onChange();
  }
}

/** Keeps `lookup` in the store: of the selected aircraft, where the loaded area does not have it. */
export function lookUpSelected(store: PageStore): void {
  const find = (icao24: string, signal: AbortSignal): Promise<StateVector | undefined> =>
    store.state.player === undefined
      ? findAircraft(icao24, signal)
      : findAircraftAt(icao24, shownTime(store.state), signal);
  const publish = (): void => {
    const { selected } = store.state;
    store.set({ lookup: selected === undefined ? LOADING : lookup.of(selected) });
  };
  const lookup = new AircraftLookup(find, publish);
  store.on(["jumps"], () => {
    lookup.forget();
  });
  store.on(["selected", "traffic", "jumps", "isHidden", "tick"], ({ selected, traffic, isHidden }) => {
    const isHeld = traffic.held.some(({ icao24 }) => icao24 === selected);
    if (selected === undefined || isHeld || isHidden) lookup.forget();
    else lookup.update(selected);
    publish();
  });
}
