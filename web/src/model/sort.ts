import type { StateVector } from "../stream/index.ts";
import { altitude } from "./aircraft.ts";

/** The columns of the list. */
export type Column = "callsign" | "icao24" | "country" | "altitude" | "speed" | "seen";

/** The order of the list. */
export interface Order {
  readonly by: Column;
  readonly descending: boolean;
}

const VALUES: Record<Column, (state: StateVector) => string | number | null> = {
  callsign: ({ callsign }) => callsign,
  icao24: ({ icao24 }) => icao24,
  country: ({ origin_country }) => origin_country,
  altitude,
  speed: ({ velocity }) => velocity,
  seen: ({ last_contact }) => last_contact,
};

/** Sorts aircraft. Unknown values come last in either order; equal ones are sorted by ICAO address, so that rows do not jump. */
export function sorted(states: readonly StateVector[], { by, descending }: Order): StateVector[] {
  const value = VALUES[by];
  const keyed = states.map((state) => ({ state, key: value(state) }));
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
