import type { StateVector } from "../stream/index.ts";
import { altitude, categoryName } from "./aircraft.ts";
import type { ActiveAlerts } from "./alerts.ts";
import { sourceName } from "./sources.ts";
import { figure, unitName } from "./units.ts";
import type { Quantity, UnitSystem } from "./units.ts";

/** Which aircraft to show, by every member that is defined. */
export interface Filter {
  /** m */
  readonly lowest?: number;
  /** m */
  readonly highest?: number;
  /** m/s */
  readonly slowest?: number;
  /** m/s */
  readonly fastest?: number;
  readonly country?: string;
  /** The name of the source that reported the state. */
  readonly source?: string;
  readonly category?: number;
  readonly ground?: "air" | "ground";
  /** The first one to four octal digits. */
  readonly squawk?: string;
  /** Whether to show only aircraft with an active alert. */
  readonly alerts?: boolean;
}

/** Whether a filter passes every aircraft. */
export function isOpen(filter: Filter): boolean {
  return Object.values(filter).every((value) => value === undefined || value === false);
}

/**
 * The test of a filter. An aircraft with an unknown value fails it; on the ground an unknown altitude counts as 0.
 */
export function predicate(filter: Filter, active: ActiveAlerts): (state: StateVector) => boolean {
  const tests: ((state: StateVector) => boolean)[] = [];
  const between = (value: (state: StateVector) => number | null, low?: number, high?: number): void => {
    if (low === undefined && high === undefined) return;
    tests.push((state) => {
      const figure = value(state);
      return figure !== null && figure >= (low ?? -Infinity) && figure <= (high ?? Infinity);
    });
  };
  const { country, source, category, ground, squawk } = filter;
  if (ground !== undefined) tests.push(({ on_ground }) => on_ground === (ground === "ground"));
  if (country !== undefined) tests.push(({ origin_country }) => origin_country === country);
  if (source !== undefined) tests.push((state) => state.source === source);
  if (category !== undefined) tests.push((state) => state.category === category);
  if (squawk !== undefined) tests.push((state) => state.squawk?.startsWith(squawk) ?? false);
  if (filter.alerts === true) tests.push((state) => active.has(state.icao24));
  between((state) => altitude(state) ?? (state.on_ground === true ? 0 : null), filter.lowest, filter.highest);
  between(({ velocity }) => velocity, filter.slowest, filter.fastest);
  return (state) => tests.every((test) => test(state));
}

/** Whether this is a squawk code, or the beginning of one. */
export function isSquawkStart(text: string): boolean {
  return /^[0-7]{1,4}$/.test(text);
}

/** What is wrong with a filter, by the field that shows it. */
export interface FilterProblems {
  readonly altitude?: string;
  readonly speed?: string;
  readonly squawk?: string;
}

/** What is wrong with a filter as it was entered. */
export function problemsOf({ lowest, highest, slowest, fastest, squawk }: Filter): FilterProblems {
  const inverted = (low?: number, high?: number): boolean => low !== undefined && high !== undefined && low > high;
  return {
    ...(inverted(lowest, highest) && { altitude: "The minimum is above the maximum." }),
    ...(inverted(slowest, fastest) && { speed: "The minimum is above the maximum." }),
    ...(squawk !== undefined && !isSquawkStart(squawk) && { squawk: "A squawk code has four digits from 0 to 7." }),
  };
}

/** A filter without its invalid members. */
export function usable(filter: Filter): Filter {
  const problems = problemsOf(filter);
  const unusable: (keyof Filter)[] = [
    ...(problems.altitude === undefined ? [] : (["lowest", "highest"] as const)),
    ...(problems.speed === undefined ? [] : (["slowest", "fastest"] as const)),
    ...(problems.squawk === undefined ? [] : (["squawk"] as const)),
  ];
  return without(filter, unusable);
}

/** A filter without some of its members. */
export function without(filter: Filter, members: readonly (keyof Filter)[]): Filter {
  return Object.fromEntries(Object.entries(filter).filter(([name]) => !members.some((member) => member === name)));
}

/** One part of a filter in words. */
export interface Chip {
  readonly text: string;
  /** The members of the filter that make it. */
  readonly members: readonly (keyof Filter)[];
}

/** The parts of a filter in words. */
export function chipsOf(filter: Filter, units: UnitSystem): Chip[] {
  const { lowest, highest, slowest, fastest, country, source, category, ground, squawk, alerts } = filter;
  const range = (name: string, quantity: Quantity, low?: number, high?: number): string | undefined => {
    if (low === undefined && high === undefined) return undefined;
    const from = figure(low ?? null, quantity, units);
    const to = figure(high ?? null, quantity, units);
    const unit = unitName(quantity, units);
    if (high === undefined) return `${name} from ${from} ${unit}`;
    return low === undefined ? `${name} up to ${to} ${unit}` : `${name} ${from}–${to} ${unit}`;
  };
  const chips: [string | undefined, (keyof Filter)[]][] = [
    [range("Altitude", "altitude", lowest, highest), ["lowest", "highest"]],
    [range("Speed", "speed", slowest, fastest), ["slowest", "fastest"]],
    [country, ["country"]],
    [source === undefined ? undefined : `Reported by ${sourceName(source)}`, ["source"]],
    [category === undefined ? undefined : categoryName(category), ["category"]],
    [ground === undefined ? undefined : ground === "air" ? "Airborne" : "On ground", ["ground"]],
    [squawk === undefined ? undefined : `Squawk ${squawk}`, ["squawk"]],
    [alerts === true ? "With alerts only" : undefined, ["alerts"]],
  ];
  return chips.flatMap(([text, members]) => (text === undefined ? [] : [{ text, members }]));
}
