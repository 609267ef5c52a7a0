import type { KnownAircraft, ServerStatus } from "../api/types.ts";
import type { StateVector } from "../stream/index.ts";
import { altitude, categoryName } from "./aircraft.ts";
import type { ActiveAlerts } from "./alerts.ts";
import { isMilitary, patternTest, plainRegistration } from "./facts.ts";
import type { Facts } from "./facts.ts";
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
  /** Patterns of ICAO type designators, such as `A32*, B738`. */
  readonly type?: string;
  /** Patterns of registrations, such as `HB-*`. */
  readonly registration?: string;
  /** A part of the name of the operator or the airline. */
  readonly operator?: string;
  readonly service?: "military" | "civil";
}

/** The members that compare what is known about aircraft in addition to their states. */
const FACTUAL = ["type", "registration", "operator", "service"] as const satisfies readonly (keyof Filter)[];

/** The members of which nothing is known without an aircraft table. */
const OF_TABLE: readonly (keyof Filter)[] = ["type", "service"];

/** Whether a filter passes every aircraft. */
export function isOpen(filter: Filter): boolean {
  return Object.values(filter).every((value) => value === undefined || value === false);
}

/**
 * The test of a filter. An aircraft with an unknown value fails it; on the ground an unknown altitude counts as 0, and an
 * aircraft that is not on record as military counts as civil.
 */
export function predicate(
  filter: Filter,
  active: ActiveAlerts,
  facts: ReadonlyMap<string, KnownAircraft>,
): (state: StateVector) => boolean {
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
  for (const test of factTests(filter)) tests.push(({ icao24 }) => test(facts.get(icao24)));
  between((state) => altitude(state) ?? (state.on_ground === true ? 0 : null), filter.lowest, filter.highest);
  between(({ velocity }) => velocity, filter.slowest, filter.fastest);
  return (state) => tests.every((test) => test(state));
}

/** The tests of what is known about an aircraft. */
function factTests({ type, registration, operator, service }: Filter): ((known?: KnownAircraft) => boolean)[] {
  const tests: ((known?: KnownAircraft) => boolean)[] = [];
  const isType = type === undefined ? undefined : patternTest(type);
  if (isType !== undefined) tests.push((known) => known?.type !== undefined && isType(known.type));
  const isRegistration = registration === undefined ? undefined : patternTest(registration, plainRegistration);
  if (isRegistration !== undefined) {
    tests.push((known) => known?.registration !== undefined && isRegistration(known.registration));
  }
  const name = operator?.trim().toLowerCase() ?? "";
  if (name !== "") {
    const contains = (text: string | undefined): boolean => text?.toLowerCase().includes(name) ?? false;
    tests.push((known) => contains(known?.airline) || contains(known?.operator));
  }
  if (service !== undefined) tests.push((known) => isMilitary(known) === (service === "military"));
  return tests;
}

/** Whether a filter compares what is known about aircraft in addition to their states. */
export function needsFacts(filter: Filter): boolean {
  return FACTUAL.some((member) => filter[member] !== undefined);
}

/**
 * Why a filter cannot find all of its aircraft; `undefined` where it can. A server whose status is not known is taken to
 * have an aircraft table.
 */
export function limitOf(filter: Filter, facts: Facts, status: ServerStatus | undefined): string | undefined {
  if (!needsFacts(filter)) return undefined;
  if (status?.aircraft_table === null && OF_TABLE.some((member) => filter[member] !== undefined)) return NO_TABLE;
  if (status?.aircraft_table?.loaded_at === null) return "The aircraft table of this server has not been loaded.";
  if (facts.isUnavailable) return "Registrations, types and operators are temporarily unavailable; retrying …";
  return facts.isLoading ? "Loading registrations, types and operators …" : undefined;
}

/** Says that types and military aircraft are not known. */
export const NO_TABLE = "This server has no aircraft table: it knows neither types nor military aircraft.";

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
  const { type, registration, operator, service } = filter;
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
    [type === undefined ? undefined : `Type ${type}`, ["type"]],
    [registration === undefined ? undefined : `Registration ${registration}`, ["registration"]],
    [operator === undefined ? undefined : `Operator ${operator}`, ["operator"]],
    [service === undefined ? undefined : service === "military" ? "Military" : "Civil", ["service"]],
    [ground === undefined ? undefined : ground === "air" ? "Airborne" : "On ground", ["ground"]],
    [squawk === undefined ? undefined : `Squawk ${squawk}`, ["squawk"]],
    [alerts === true ? "With alerts only" : undefined, ["alerts"]],
  ];
  return chips.flatMap(([text, members]) => (text === undefined ? [] : [{ text, members }]));
}
