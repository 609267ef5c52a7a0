/** The units that values are shown in. */
export type UnitSystem = "aeronautical" | "metric" | "imperial";

/** A physical quantity. Values are in SI units: m, m/s, m/s, m. */
export type Quantity = "altitude" | "speed" | "vertical" | "distance";

interface Unit {
  readonly name: string;
  /** How many of this unit make one SI unit. */
  readonly perSi: number;
  readonly digits: number;
}

/** The default transition altitude, that of North America. Feet. */
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

/** Every unit system, in the order of the settings. */
export const UNIT_SYSTEMS: readonly UnitSystem[] = ["aeronautical", "metric", "imperial"];

/** The name of a unit. */
export function unitName(quantity: Quantity, system: UnitSystem): string {
  return UNITS[system][quantity].name;
}

/** Converts a value from SI units. */
export function inUnit(value: number, quantity: Quantity, system: UnitSystem): number {
  return value * UNITS[system][quantity].perSi;
}

/** Converts a value to SI units. */
export function fromUnit(value: number, quantity: Quantity, system: UnitSystem): number {
  return value / UNITS[system][quantity].perSi;
}

const formats = [0, 1].map(
  (digits) => new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }),
);

/** Formats a value without its unit; an en dash where it is unknown. */
export function figure(value: number | null, quantity: Quantity, system: UnitSystem): string {
  if (value === null) return "–";
  const { perSi, digits } = UNITS[system][quantity];
  const shown = value * perSi;
  // Not "-0".
  return (formats[digits] ?? formats[0])?.format(Math.abs(shown) < 0.5 * 10 ** -digits ? 0 : shown) ?? "";
}

/** Formats a value with its unit. */
export function withUnit(value: number | null, quantity: Quantity, system: UnitSystem): string {
  return value === null ? "–" : `${figure(value, quantity, system)} ${unitName(quantity, system)}`;
}

// One for the whole page, like the time zone.
let transition = TRANSITION_ALTITUDE;

/** Formats barometric altitudes from this one up as flight levels. Feet. */
export function setTransitionAltitude(feet: number): void {
  transition = feet;
}

/** The altitudes of an aircraft, m. */
export interface Altitudes {
  /** By standard pressure, which flight levels use. */
  readonly baro_altitude: number | null;
  /** Above the WGS-84 ellipsoid. */
  readonly geo_altitude: number | null;
}

/** The flight level of an aircraft at or above the transition altitude. */
export function levelOf({ baro_altitude }: Altitudes, system: UnitSystem): string | undefined {
  if (system !== "aeronautical" || baro_altitude === null || baro_altitude * FOOT < transition) return undefined;
  return flightLevel(baro_altitude);
}

/** The best known altitude: `2,400 ft`, and `FL350` from the transition altitude up. */
export function altitudeText(altitudes: Altitudes, system: UnitSystem): string {
  return levelOf(altitudes, system) ?? withUnit(altitudes.baro_altitude ?? altitudes.geo_altitude, "altitude", system);
}

/** The flight level of a barometric altitude in m: hundreds of feet, three digits. */
export function flightLevel(baroAltitude: number): string {
  return `FL${String(Math.max(0, Math.round((baroAltitude * FOOT) / 100))).padStart(3, "0")}`;
}

/** Formats a duration: `12 s`, `3 min`, `2 h 5 min`. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 100) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.round(hours / 24)} days`;
}
