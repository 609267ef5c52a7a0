import type { StateVector } from "../stream/index.ts";
import { altitude, emergency } from "./aircraft.ts";

/** Which aircraft to show. What is undefined does not matter. */
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
  readonly category?: number;
  readonly ground?: "air" | "ground";
  /** Four octal digits, or their beginning. */
  readonly squawk?: string;
  readonly emergencies?: boolean;
}

/** Whether a filter lets everything through. */
export function isOpen(filter: Filter): boolean {
  return Object.values(filter).every((value) => value === undefined || value === false);
}

/**
 * The test that a filter stands for. An aircraft without a figure that is asked for fails it; on the ground the altitude
 * is 0.
 */
export function predicate(filter: Filter): (state: StateVector) => boolean {
  const tests: ((state: StateVector) => boolean)[] = [];
  const between = (value: (state: StateVector) => number | null, low?: number, high?: number): void => {
    if (low === undefined && high === undefined) return;
    tests.push((state) => {
      const figure = value(state);
      return figure !== null && figure >= (low ?? -Infinity) && figure <= (high ?? Infinity);
    });
  };
  const { country, category, ground, squawk, emergencies } = filter;
  if (ground !== undefined) tests.push(({ on_ground }) => on_ground === (ground === "ground"));
  if (country !== undefined) tests.push(({ origin_country }) => origin_country === country);
  if (category !== undefined) tests.push((state) => state.category === category);
  if (squawk !== undefined) tests.push((state) => state.squawk?.startsWith(squawk) ?? false);
  if (emergencies === true) tests.push((state) => emergency(state) !== undefined);
  between((state) => altitude(state) ?? (state.on_ground === true ? 0 : null), filter.lowest, filter.highest);
  between(({ velocity }) => velocity, filter.slowest, filter.fastest);
  return (state) => tests.every((test) => test(state));
}
