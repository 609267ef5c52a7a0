import { findAircraft } from "../api/flights.ts";
import type { Alert } from "../stream/index.ts";
import { goTo } from "./state.ts";
import type { PageStore } from "./state.ts";

/** Selects the aircraft of an alert and moves the map to it; where it is no longer heard, to where the alert began. */
export async function showAircraftOf(store: PageStore, { icao24, state }: Alert): Promise<void> {
  const { traffic, player } = store.state;
  const held = traffic.held.find((each) => each.icao24 === icao24);
  // The aircraft may be outside the loaded area. A replay has no other.
  const found = held ?? (player === undefined ? await findAircraft(icao24).catch(() => undefined) : undefined);
  goTo(store, found ?? state);
}
