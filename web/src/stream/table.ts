import type { StateVector } from "./state.ts";

/** What came is not what `docs/stream.md` describes, or does not fit what is held. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** Any JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** The object that this is. */
export function object(value: unknown, what: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ProtocolError(`${what}: no object`);
  return value as Json;
}

/** The whole number that this is. */
export function integer(value: unknown, what: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw new ProtocolError(`${what}: no whole number`);
  return value;
}

/** The text that this is. */
export function text(value: unknown, what: string): string {
  if (typeof value !== "string") throw new ProtocolError(`${what}: no text`);
  return value;
}

/** Ascending numbers that were written as differences. */
export function ascending(value: unknown, what: string): number[] {
  if (!Array.isArray(value)) throw new ProtocolError(`${what}: no array`);
  let sum = 0;
  return value.map((difference) => (sum += integer(difference, what)));
}

/** Calls back for each row of which a column says something. */
function eachGiven(column: unknown, rows: number, what: string, use: (row: number, value: unknown) => void): void {
  if (column === undefined) return;
  if (Array.isArray(column)) {
    if (column.length !== rows) throw new ProtocolError(`${what}: ${column.length} values for ${rows} rows`);
    for (let row = 0; row < rows; row += 1) use(row, column[row]);
  } else if (typeof column === "object" && column !== null) {
    const { rows: which, values } = column as { rows?: unknown; values?: unknown };
    const some = ascending(which, what);
    if (Array.isArray(values) && values.length !== some.length)
      throw new ProtocolError(`${what}: values do not fit rows`);
    some.forEach((row, index) => {
      if (row < 0 || row >= rows) throw new ProtocolError(`${what}: row ${row} of ${rows}`);
      use(row, Array.isArray(values) ? values[index] : values);
    });
  } else {
    for (let row = 0; row < rows; row += 1) use(row, column);
  }
}

/** The fields that are scaled whole numbers, with how much of each makes one. */
const SCALED = {
  lat: 10_000,
  lon: 10_000,
  baro_altitude: 1,
  geo_altitude: 1,
  velocity: 10,
  vertical_rate: 10,
  true_track: 10,
  position_source: 1,
  category: 1,
} as const;
const SCALED_FIELDS = Object.keys(SCALED) as (keyof typeof SCALED)[];

/**
 * The value that is meant by a remainder: of all with it, the nearest to the one that is held.
 */
export function unwrapped(sent: number, held: number, wrap: number): number {
  const half = Math.floor(wrap / 2);
  const remainder = (sent - held + half) % wrap;
  return held - half + (remainder < 0 ? remainder + wrap : remainder);
}

/**
 * Writes a table's columns into its rows' aircraft. What a column does not give stays as it is.
 *
 * @param states one for each row
 * @param base what the table's times are differences to, Unix seconds
 * @throws ProtocolError
 */
export function writeColumns(table: Json, states: readonly StateVector[], base: number): void {
  const each = (name: string, use: (state: StateVector, value: unknown) => void): void => {
    eachGiven(table[name], states.length, name, (row, value) => {
      const state = states[row];
      if (state !== undefined) use(state, value);
    });
  };
  const wraps = table["wrap"] === undefined ? {} : object(table["wrap"], "wrap");
  for (const field of SCALED_FIELDS) {
    const scale = SCALED[field];
    const wrap = wraps[field] === undefined ? undefined : integer(wraps[field], "wrap");
    each(field, (state, value) => {
      if (value === null) {
        state[field] = null;
        return;
      }
      let whole = integer(value, field);
      if (wrap !== undefined) {
        const held = state[field];
        if (held === null) throw new ProtocolError(`${field}: a remainder, and nothing held`);
        whole = unwrapped(whole, Math.round(held * scale), wrap);
      }
      state[field] = whole / scale;
    });
  }
  for (const field of ["callsign", "squawk"] as const) {
    each(field, (state, value) => {
      state[field] = value === null ? null : text(value, field);
    });
  }
  for (const field of ["on_ground", "spi"] as const) {
    each(field, (state, value) => {
      state[field] = value === null ? null : value === 1 || value === true;
    });
  }
  const { countries } = table;
  each("origin_country", (state, value) => {
    const country: unknown = value === null ? null : (countries as unknown[] | undefined)?.[integer(value, "country")];
    state.origin_country = country === null ? null : text(country, "origin_country");
  });
  // Before `time_position`, which is a difference to it.
  each("last_contact", (state, value) => {
    state.last_contact = base - integer(value, "last_contact");
  });
  each("time_position", (state, value) => {
    state.time_position = value === null ? null : state.last_contact - integer(value, "time_position");
  });
  each("observed_at", (state, value) => {
    state.observed_at = value === null ? null : base - integer(value, "observed_at");
  });
}

/**
 * The aircraft of a table in which each is whole, by their numbers.
 *
 * @throws ProtocolError
 */
export function readTable(table: Json, base: number): Map<number, StateVector> {
  const numbers = ascending(table["n"], "n");
  const states: StateVector[] = [];
  eachGiven(table["icao24"] ?? null, numbers.length, "icao24", (_, value) => {
    states.push(unknown(text(value, "icao24")));
  });
  if (states.length !== numbers.length) throw new ProtocolError("icao24: not one for each row");
  writeColumns(table, states, base);
  return new Map(states.map((state, row) => [numbers[row] ?? 0, state]));
}

function unknown(icao24: string): StateVector {
  return {
    icao24,
    callsign: null,
    origin_country: null,
    lat: null,
    lon: null,
    velocity: null,
    true_track: null,
    vertical_rate: null,
    baro_altitude: null,
    geo_altitude: null,
    on_ground: null,
    squawk: null,
    spi: null,
    position_source: null,
    category: null,
    time_position: null,
    last_contact: 0,
    observed_at: null,
  };
}
