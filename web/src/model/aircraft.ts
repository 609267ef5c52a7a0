import type { StateVector } from "../stream/index.ts";

/** The emergency squawks, with what they mean (ICAO Annex 10). */
const EMERGENCIES: Readonly<Record<string, string>> = {
  "7500": "unlawful interference",
  "7600": "radio failure",
  "7700": "emergency",
};

/** What an aircraft's squawk cries for; `undefined` where it does not. */
export function emergency({ squawk }: Pick<StateVector, "squawk">): string | undefined {
  return squawk === null ? undefined : EMERGENCIES[squawk];
}

/** The best altitude that is known, in m: the pressure altitude, by which traffic is ordered, or else the geometric one. */
export function altitude({ baro_altitude, geo_altitude }: StateVector): number | null {
  return baro_altitude ?? geo_altitude;
}

/** What to call it. */
export function title({ callsign, icao24 }: StateVector): string {
  return callsign ?? icao24;
}

const CATEGORIES: readonly string[] = [
  "No information",
  "No category",
  "Light (under 7 t)",
  "Small (7–34 t)",
  "Large (34–136 t)",
  "High vortex",
  "Heavy (over 136 t)",
  "High performance",
  "Rotorcraft",
  "Glider",
  "Lighter than air",
  "Parachutist",
  "Ultralight, hang-glider",
  "Reserved",
  "Unmanned",
  "Space",
  "Emergency vehicle",
  "Service vehicle",
  "Point obstacle",
  "Cluster obstacle",
  "Line obstacle",
];

/** An ADS-B emitter category in words. */
export function categoryName(category: number | null): string {
  if (category === null) return "Unknown";
  return CATEGORIES[category] ?? `Code ${category}`;
}

/** Whether it says what it is: the first two categories are of those that do not. */
export function isCategorised({ category }: Pick<StateVector, "category">): boolean {
  return category !== null && category > 1;
}

const POSITION_SOURCES: readonly string[] = ["ADS-B", "ASTERIX", "MLAT", "FLARM"];

/** How a position was found, in words. */
export function positionSourceName(source: number | null): string {
  if (source === null) return "Unknown";
  return POSITION_SOURCES[source] ?? `Code ${source}`;
}

/** The pictures of the map's symbols, in the order of their atlas. */
export const SHAPES = ["jet", "light", "helicopter", "glider", "balloon", "vehicle", "dot", "ring", "dashes"] as const;
/** One of them. */
export type Shape = (typeof SHAPES)[number];

/** The symbol of an aircraft: by category, and a dot where its direction is unknown. */
export function shape({ category, true_track, on_ground }: StateVector): Shape {
  switch (category) {
    case 8:
      return "helicopter";
    case 9:
    case 12:
      return "glider";
    case 10:
    case 11:
      return "balloon";
    case 16:
    case 17:
    case 18:
    case 19:
    case 20:
      return "vehicle";
    default:
      if (true_track === null) return "dot";
      return category === 2 || category === 14 || (category === null && on_ground === true) ? "light" : "jet";
  }
}

/** How large it is drawn, 1 for an airliner. */
export function relativeSize({ category }: StateVector): number {
  switch (category) {
    case 4:
    case 5:
    case 7:
      return 1;
    case 6:
      return 1.25;
    case 2:
    case 14:
      return 0.8;
    default:
      return 0.9;
  }
}

/** The share of full opacity of an aircraft whose position is so old: after half a minute it begins to fade. */
export function opacity(positionAge: number): number {
  return Math.min(1, Math.max(0.3, 1 - (positionAge - 30) / 340));
}

/** A position that is older than this is marked as the last known one. Seconds. */
export const OLD_POSITION = 120;

/** How old a position was at a moment, seconds: an aircraft may be heard for hours after it last said where it is. */
export function positionAge({ time_position, last_contact }: StateVector, at: number): number {
  return at - (time_position ?? last_contact);
}

/**
 * Whether a position is only the last known one.
 *
 * @param answeredAt when the source answered, Unix seconds; `undefined`: when it told of this state
 */
export function isPositionOld(state: StateVector, answeredAt: number | undefined): boolean {
  if (state.lat === null || state.lon === null) return false;
  return positionAge(state, answeredAt ?? state.observed_at ?? state.last_contact) > OLD_POSITION;
}
