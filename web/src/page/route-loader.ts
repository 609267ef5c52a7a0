import { MAX_ADDRESSES, readFlights } from "../api/aircraft.ts";
import { ApiError } from "../api/http.ts";
import type { PastFlight } from "../api/types.ts";
import { routesOf } from "../model/routes.ts";
import type { Route } from "../model/routes.ts";
import type { StateVector } from "../stream/index.ts";
import { shownTime } from "./state.ts";
import type { PageStore } from "./state.ts";

/** A flight in progress was seen this recently, seconds: past flights lag a few minutes behind the live picture. */
const IN_PROGRESS = 30 * 60;
/** How long a route is shown before it is read again, milliseconds. */
const LIFETIME = 5 * 60_000;
/** Pause after a failed request, milliseconds. */
const PAUSE = 30_000;

type Read = (
  icao24s: readonly string[],
  from: number,
  to: number,
  signal: AbortSignal,
) => Promise<readonly PastFlight[]>;

/** Keeps the routes of the aircraft that need one in the store: the selected one, and those that the list shows. */
export class RouteLoader {
  private readonly readAt = new Map<string, number>();
  private wanted: readonly StateVector[] = [];
  private request: AbortController | undefined;
  private pauseEnd = 0;
  /** The server keeps no history. */
  private isOff = false;

  constructor(
    private readonly store: PageStore,
    private readonly read: Read = readFlights,
  ) {
    store.on(["jumps"], () => {
      this.request?.abort();
      this.request = undefined;
      this.readAt.clear();
      this.store.set({ routes: new Map() });
    });
    store.on(["selected", "aircraft", "jumps", "isHidden", "tick"], () => {
      this.update();
    });
  }

  /** Reads the routes of these aircraft, the first ones first, in place of those that were wanted before. */
  want(states: readonly StateVector[]): void {
    this.wanted = states;
    this.update();
  }

  private update(): void {
    const { isHidden, aircraft, panel } = this.store.state;
    if (isHidden || this.isOff || this.request !== undefined || Date.now() < this.pauseEnd) return;
    const batch = new Map<string, StateVector>();
    const before = Date.now() - LIFETIME;
    const listed = panel === "list" ? this.wanted : [];
    for (const state of aircraft === undefined ? listed : [aircraft, ...listed]) {
      if ((this.readAt.get(key(state)) ?? -Infinity) > before) continue;
      batch.set(state.icao24, state);
      if (batch.size === MAX_ADDRESSES) break;
    }
    if (batch.size > 0) void this.load(batch);
  }

  private async load(batch: ReadonlyMap<string, StateVector>): Promise<void> {
    const request = new AbortController();
    this.request = request;
    // The states change in place while the request runs.
    const callsigns = new Map([...batch].map(([icao24, { callsign }]) => [icao24, callsign]));
    const keys = [...batch.values()].map(key);
    const at = shownTime(this.store.state);
    let read: Map<string, Route>;
    try {
      read = routesOf(await this.read([...batch.keys()], at - IN_PROGRESS, at, request.signal), callsigns);
    } catch (error) {
      if (this.request !== request) return;
      this.request = undefined;
      this.isOff = error instanceof ApiError && error.isNotFound;
      this.pauseEnd = Date.now() + PAUSE;
      return;
    }
    if (this.request !== request) return;
    this.request = undefined;
    for (const one of keys) this.readAt.set(one, Date.now());
    const routes = new Map(this.store.state.routes);
    for (const icao24 of callsigns.keys()) routes.delete(icao24);
    for (const [icao24, route] of read) routes.set(icao24, route);
    this.store.set({ routes });
    this.update();
  }
}

/** Another callsign is another flight. */
function key({ icao24, callsign }: StateVector): string {
  return `${icao24} ${callsign ?? ""}`;
}
