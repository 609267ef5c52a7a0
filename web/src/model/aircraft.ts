import type { KnownAircraft } from "../api/types.ts";
import type { StateVector } from "../stream/index.ts";
import { noseOf, shapeOfCategory, shapeOfType } from "./shapes.ts";
import type { Shape } from "./shapes.ts";

/** The best known altitude, m: barometric, which separates traffic, or else geometric. */
export function altitude({ baro_altitude, geo_altitude }: StateVector): number | null {
  return baro_altitude ?? geo_altitude;
}

/** The name of an aircraft: its callsign, or else its ICAO address. */
export function title({ callsign, icao24 }: StateVector): string {
  return callsign ?? icao24;
}

const CATEGORIES: readonly string[] = [
  "Not reported",
  "No category",
  "Light (under 7 t)",
  "Small (7–34 t)",
  "Large (34–136 t)",
  "High-vortex large",
  "Heavy (over 136 t)",
  "High performance",
  "Rotorcraft",
  "Glider",
  "Lighter than air",
  "Parachutist",
  "Ultralight, hang-glider",
  "Reserved",
  "Unmanned",
  "Space vehicle",
  "Emergency vehicle",
  "Service vehicle",
  "Point obstacle",
  "Cluster obstacle",
  "Line obstacle",
];

/** The name of an ADS-B emitter category. */
export function categoryName(category: number | null): string {
  if (category === null) return "Unknown";
  return CATEGORIES[category] ?? `Code ${category}`;
}

/** Whether an aircraft reports its category: the first two categories mean that it does not. */
export function isCategorised({ category }: Pick<StateVector, "category">): boolean {
  return category !== null && category > 1;
}

const POSITION_SOURCES: readonly string[] = ["ADS-B", "ASTERIX", "MLAT", "FLARM"];

/** The name of a position source. */
export function positionSourceName(source: number | null): string {
  if (source === null) return "Unknown";
  return POSITION_SOURCES[source] ?? `Code ${source}`;
}

/** The symbol of an aircraft: by its type, or else by its category; a dot where its track is unknown. */
export function shape(state: StateVector, known?: KnownAircraft): Shape {
  const { category, true_track, on_ground } = state;
  const found = (known?.type === undefined ? undefined : shapeOfType(known.type)) ?? shapeOfCategory(category);
  const shape = found ?? (category === null && on_ground === true ? "single" : "jet");
  return true_track === null && noseOf(shape) === "track" ? "dot" : shape;
}

/** The opacity of an aircraft by the age of its position, seconds: it fades from half a minute on. */
export function opacity(positionAge: number): number {
  return Math.min(1, Math.max(0.3, 1 - (positionAge - 30) / 340));
}

/** Positions older than this are marked as old, seconds. */
export const OLD_POSITION = 120;

/** The age of a position at a moment, seconds. An aircraft may send messages for hours without a position. */
export function positionAge({ time_position, last_contact }: StateVector, at: number): number {
  return at - (time_position ?? last_contact);
}

/**
 * Whether a position is old.
 *
 * @param answeredAt when the source answered, Unix seconds; by default when it reported this state
 */
export function isPositionOld(state: StateVector, answeredAt: number | undefined): boolean {
  if (state.lat === null || state.lon === null) return false;
  return positionAge(state, answeredAt ?? state.observed_at ?? state.last_contact) > OLD_POSITION;
}
