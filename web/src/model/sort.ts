import type { KnownAircraft } from "../api/types.ts";
import type { StateVector } from "../stream/index.ts";
import { altitude } from "./aircraft.ts";
import { operatorOf } from "./facts.ts";
import { routeText } from "./routes.ts";
import type { Routes } from "./routes.ts";

/** The columns of the list. */
export const COLUMNS = [
  "callsign",
  "registration",
  "type",
  "operator",
  "route",
  "country",
  "icao24",
  "altitude",
  "speed",
  "seen",
] as const;
export type Column = (typeof COLUMNS)[number];

/** What is known about aircraft, by which the list can be sorted, in addition to their states. */
export interface Known {
  readonly facts: ReadonlyMap<string, KnownAircraft>;
  readonly routes: Routes;
}

/** The order of the list. */
export interface Order {
  readonly by: Column;
  readonly descending: boolean;
}

const VALUES: Record<Column, (state: StateVector, known: Known) => string | number | null> = {
  callsign: ({ callsign }) => callsign,
  registration: ({ icao24 }, { facts }) => facts.get(icao24)?.registration ?? null,
  type: ({ icao24 }, { facts }) => facts.get(icao24)?.type ?? null,
  operator: ({ icao24 }, { facts }) => operatorOf(facts.get(icao24)) ?? null,
  route: ({ icao24 }, { routes }) => routeText(routes.get(icao24)) ?? null,
  icao24: ({ icao24 }) => icao24,
  country: ({ origin_country }) => origin_country,
  altitude,
  speed: ({ velocity }) => velocity,
  seen: ({ last_contact }) => last_contact,
};

/** Sorts aircraft. Unknown values come last in either order; equal ones are sorted by ICAO address, so that rows do not jump. */
export function sorted(states: readonly StateVector[], { by, descending }: Order, known: Known): StateVector[] {
  const value = VALUES[by];
  const keyed = states.map((state) => ({ state, key: value(state, known) }));
  const sign = descending ? -1 : 1;
  keyed.sort((a, b) => {
    if (a.key !== b.key) {
      if (a.key === null) return 1;
      if (b.key === null) return -1;
      return a.key < b.key ? -sign : sign;
    }
    return a.state.icao24 < b.state.icao24 ? -1 : 1;
  });
  return keyed.map(({ state }) => state);
}
