/** How figures are shown. */
export type UnitSystem = "aeronautical" | "metric" | "imperial";

/** A kind of figure, each held in SI units: m, m/s, m/s, m. */
export type Quantity = "altitude" | "speed" | "vertical" | "distance";

interface Unit {
  readonly name: string;
  /** How many of it make one of the SI unit. */
  readonly perSi: number;
  readonly digits: number;
}

/** Where altitudes become flight levels unless somebody chooses another one: that of North America. Feet. */
export const TRANSITION_ALTITUDE = 18_000;

const FOOT = 1 / 0.3048;
const KNOT = 3600 / 1852;
const MILE = 1 / 1609.344;

const UNITS: Record<UnitSystem, Record<Quantity, Unit>> = {
  aeronautical: {
    altitude: { name: "ft", perSi: FOOT, digits: 0 },
    speed: { name: "kt", perSi: KNOT, digits: 0 },
    vertical: { name: "ft/min", perSi: 60 * FOOT, digits: 0 },
    distance: { name: "NM", perSi: 1 / 1852, digits: 0 },
  },
  metric: {
    altitude: { name: "m", perSi: 1, digits: 0 },
    speed: { name: "km/h", perSi: 3.6, digits: 0 },
    vertical: { name: "m/s", perSi: 1, digits: 1 },
    distance: { name: "km", perSi: 1 / 1000, digits: 0 },
  },
  imperial: {
    altitude: { name: "ft", perSi: FOOT, digits: 0 },
    speed: { name: "mph", perSi: 3600 * MILE, digits: 0 },
    vertical: { name: "ft/min", perSi: 60 * FOOT, digits: 0 },
    distance: { name: "mi", perSi: MILE, digits: 0 },
  },
};

/** Every unit system, in the order in which they are offered. */
export const UNIT_SYSTEMS: readonly UnitSystem[] = ["aeronautical", "metric", "imperial"];

/** The unit's name. */
export function unitName(quantity: Quantity, system: UnitSystem): string {
  return UNITS[system][quantity].name;
}

/** The figure in the system's unit. */
export function inUnit(value: number, quantity: Quantity, system: UnitSystem): number {
  return value * UNITS[system][quantity].perSi;
}

/** The figure in SI units. */
export function fromUnit(value: number, quantity: Quantity, system: UnitSystem): number {
  return value / UNITS[system][quantity].perSi;
}

const formats = [0, 1].map(
  (digits) => new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }),
);

/** The figure in the system's unit, without its name; an en dash where it is unknown. */
export function figure(value: number | null, quantity: Quantity, system: UnitSystem): string {
  if (value === null) return "–";
  const { perSi, digits } = UNITS[system][quantity];
  const shown = value * perSi;
  // Not "-0".
  return (formats[digits] ?? formats[0])?.format(Math.abs(shown) < 0.5 * 10 ** -digits ? 0 : shown) ?? "";
}

/** The figure with its unit. */
export function withUnit(value: number | null, quantity: Quantity, system: UnitSystem): string {
  return value === null ? "–" : `${figure(value, quantity, system)} ${unitName(quantity, system)}`;
}

// One for the whole page, as the zone of its times is.
let transition = TRANSITION_ALTITUDE;

/** Writes pressure altitudes as flight levels from this altitude on, in feet. */
export function setTransitionAltitude(feet: number): void {
  transition = feet;
}

/** What is written of an altitude: both in m, `null` where it is unknown. */
export interface Altitudes {
  /** By the standard pressure, which flight levels are of. */
  readonly baro_altitude: number | null;
  /** Above the WGS-84 ellipsoid. */
  readonly geo_altitude: number | null;
}

/** The flight level of a pressure altitude, where flight levels are used: not below the transition altitude. */
export function levelOf({ baro_altitude }: Altitudes, system: UnitSystem): string | undefined {
  if (system !== "aeronautical" || baro_altitude === null || baro_altitude * FOOT < transition) return undefined;
  return flightLevel(baro_altitude);
}

/** The best altitude that is known, as a pilot says it: `2,400 ft`, and `FL350` from the transition altitude on. */
export function altitudeText(altitudes: Altitudes, system: UnitSystem): string {
  return levelOf(altitudes, system) ?? withUnit(altitudes.baro_altitude ?? altitudes.geo_altitude, "altitude", system);
}

/** The flight level of a pressure altitude in m: hundreds of feet, three digits. */
export function flightLevel(baroAltitude: number): string {
  return `FL${String(Math.max(0, Math.round((baroAltitude * FOOT) / 100))).padStart(3, "0")}`;
}

/** A time span in words: `12 s`, `3 min`, `2 h 5 min`. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 100) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.round(hours / 24)} days`;
}
