import type { KnownAircraft } from "../api/types.ts";

/** What is known about aircraft in addition to their states, by ICAO address. */
export interface Facts {
  readonly known: ReadonlyMap<string, KnownAircraft>;
  /** Whether some aircraft of the traffic have not been read yet. */
  readonly isLoading: boolean;
  /** Whether the latest request failed. It is repeated. */
  readonly isUnavailable: boolean;
}

/** Before anything has been read. */
export const NO_FACTS: Facts = { known: new Map(), isLoading: false, isUnavailable: false };

/**
 * Who operates an aircraft: the airline of its callsign, which may fly with an aircraft of another operator, or else its
 * operator or owner.
 */
export function operatorOf(known: KnownAircraft | undefined): string | undefined {
  return known?.airline ?? known?.operator;
}

/** What labels of the map have in addition to the callsign. */
export interface LabelFacts {
  readonly registration: boolean;
  readonly type: boolean;
}

/** The registration and type of an aircraft, as far as they are known and wanted: `HB-JCA · BCS3`. */
export function labelFacts(known: KnownAircraft | undefined, wanted: LabelFacts): string {
  return [wanted.registration && known?.registration, wanted.type && known?.type].filter(Boolean).join(" · ");
}

/** A registration as it is compared: `HB-JCA` and `hbjca` are the same. */
export function plainRegistration(text: string): string {
  return text.replace(/[-\s]/g, "").toUpperCase();
}

/** Whether an aircraft is on record as military. Without an aircraft table this is not known of any. */
export function isMilitary(known: KnownAircraft | undefined): boolean {
  return known?.military === true;
}

/**
 * The test of a list of patterns, such as `A32*, B73?`: `*` stands for any characters, `?` for one. Case is ignored.
 * `undefined` where there is no pattern in the text.
 */
export function patternTest(
  text: string,
  plain: (text: string) => string = upper,
): ((value: string) => boolean) | undefined {
  const patterns = text
    .split(/[,;]/)
    .map(plain)
    .filter((pattern) => pattern !== "");
  if (patterns.length === 0) return undefined;
  const exact = new Set(patterns.filter((pattern) => !/[*?]/.test(pattern)));
  const wild = patterns.filter((pattern) => !exact.has(pattern)).map(split);
  return (value) => {
    const compared = plain(value);
    return exact.has(compared) || wild.some((pattern) => matches(pattern, compared));
  };
}

function upper(text: string): string {
  return text.trim().toUpperCase();
}

/** A pattern in its parts between asterisks. */
function split(pattern: string): readonly string[] {
  return pattern.split(/\*+/);
}

/** In linear time for each part, unlike a regular expression with many asterisks. */
function matches(parts: readonly string[], value: string): boolean {
  const [first = "", ...others] = parts;
  if (!fits(first, value, 0)) return false;
  const last = others.pop();
  if (last === undefined) return value.length === first.length;
  let at = first.length;
  for (const part of others) {
    while (at + part.length <= value.length && !fits(part, value, at)) at += 1;
    at += part.length;
  }
  const end = value.length - last.length;
  return end >= at && fits(last, value, end);
}

function fits(part: string, value: string, at: number): boolean {
  if (at + part.length > value.length) return false;
  for (let i = 0; i < part.length; i += 1) {
    if (part[i] !== "?" && part[i] !== value[at + i]) return false;
  }
  return true;
}
