import type { StateVector } from "./state.ts";

/** An event that does not follow `docs/stream.md`, or does not fit the picture. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** Any JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** Checks that a value is an object. */
export function object(value: unknown, what: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ProtocolError(`${what}: not an object`);
  return value as Json;
}

/** Checks that a value is an integer. */
export function integer(value: unknown, what: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw new ProtocolError(`${what}: not an integer`);
  return value;
}

/** Checks that a value is a string. */
export function text(value: unknown, what: string): string {
  if (typeof value !== "string") throw new ProtocolError(`${what}: not a string`);
  return value;
}

/** Decodes ascending numbers that are encoded as differences. */
export function ascending(value: unknown, what: string): number[] {
  if (!Array.isArray(value)) throw new ProtocolError(`${what}: not an array`);
  let sum = 0;
  return value.map((difference) => (sum += integer(difference, what)));
}

/** Calls back with each value of a column, in any of its three forms: an array, some rows, or one value for all rows. */
function eachValue(column: unknown, rows: number, what: string, use: (row: number, value: unknown) => void): void {
  if (column === undefined) return;
  if (Array.isArray(column)) {
    if (column.length !== rows) throw new ProtocolError(`${what}: ${column.length} values for ${rows} rows`);
    for (let row = 0; row < rows; row += 1) use(row, column[row]);
  } else if (typeof column === "object" && column !== null) {
    const { rows: which, values } = column as { rows?: unknown; values?: unknown };
    const some = ascending(which, what);
    if (Array.isArray(values) && values.length !== some.length)
      throw new ProtocolError(`${what}: ${values.length} values for ${some.length} rows`);
    some.forEach((row, index) => {
      if (row < 0 || row >= rows) throw new ProtocolError(`${what}: row ${row} of ${rows}`);
      use(row, Array.isArray(values) ? values[index] : values);
    });
  } else {
    for (let row = 0; row < rows; row += 1) use(row, column);
  }
}

/** Decodes a remainder: of all values that have it, the one nearest to the held value. */
export function unwrapped(sent: number, held: number, wrap: number): number {
  const half = Math.floor(wrap / 2);
  const remainder = (sent - held + half) % wrap;
  return held - half + (remainder < 0 ? remainder + wrap : remainder);
}

/** A column of a table. */
interface Column {
  readonly field: Field;
  readonly table: Json;
  /** What the table's times are differences to, Unix seconds. */
  readonly base: number;
  /** The modulus where the column holds remainders. */
  readonly wrap: number | undefined;
}

type Field = Exclude<keyof StateVector, "icao24">;
type Decode<Value> = (value: unknown, column: Column, state: StateVector) => Value;

function nullable<Value>(decode: Decode<Value>): Decode<Value | null> {
  return (value, column, state) => (value === null ? null : decode(value, column, state));
}

/** Integers that are a multiple of the field's value. */
function scaled(scale: number): Decode<number | null> {
  return nullable((value, { field, wrap }, state) => {
    const whole = integer(value, field);
    if (wrap === undefined) return whole / scale;
    const held = state[field];
    if (typeof held !== "number") throw new ProtocolError(`${field}: a remainder without a held value`);
    return unwrapped(whole, Math.round(held * scale), wrap) / scale;
  });
}

const string = nullable((value, { field }) => text(value, field));
const flag = nullable((value) => value === 1 || value === true);
const country = nullable((value, { field, table }) => {
  const name: unknown = (table["countries"] as unknown[] | undefined)?.[integer(value, field)];
  return name === null ? null : text(name, field);
});

/** How each field is encoded (`docs/stream.md`). `time_position` is a difference to `last_contact`, which comes first. */
const COLUMNS: { readonly [Name in Field]: Decode<StateVector[Name]> } = {
  last_contact: (value, { field, base }) => base - integer(value, field),
  time_position: nullable((value, { field }, state) => state.last_contact - integer(value, field)),
  observed_at: nullable((value, { field, base }) => base - integer(value, field)),
  callsign: string,
  origin_country: country,
  lat: scaled(10_000),
  lon: scaled(10_000),
  velocity: scaled(10),
  true_track: scaled(10),
  vertical_rate: scaled(10),
  baro_altitude: scaled(1),
  geo_altitude: scaled(1),
  on_ground: flag,
  squawk: string,
  spi: flag,
  position_source: scaled(1),
  category: scaled(1),
};
const FIELDS = Object.keys(COLUMNS) as Field[];

/** Every field of a state vector. */
export const STATE_FIELDS: readonly (keyof StateVector)[] = ["icao24", ...FIELDS];

/**
 * Writes a table's columns into its rows' aircraft. A field without a column keeps its value.
 *
 * @param states one for each row
 * @param base what the table's times are differences to, Unix seconds
 * @throws ProtocolError
 */
export function writeColumns(table: Json, states: readonly StateVector[], base: number): void {
  const wraps = table["wrap"] === undefined ? {} : object(table["wrap"], "wrap");
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- relates the field to its decoder
  const write = <Name extends Field>(field: Name): void => {
    const wrap = wraps[field] === undefined ? undefined : integer(wraps[field], "wrap");
    const column: Column = { field, table, base, wrap };
    const decode: Decode<StateVector[Name]> = COLUMNS[field];
    eachValue(table[field], states.length, field, (row, value) => {
      const state = states[row];
      if (state !== undefined) state[field] = decode(value, column, state);
    });
  };
  for (const field of FIELDS) write(field);
}

/**
 * Decodes a table of complete aircraft, by their numbers.
 *
 * @throws ProtocolError
 */
export function readTable(table: Json, base: number): Map<number, StateVector> {
  const numbers = ascending(table["n"], "n");
  const states: StateVector[] = [];
  eachValue(table["icao24"] ?? null, numbers.length, "icao24", (_, value) => {
    states.push(unknownState(text(value, "icao24")));
  });
  if (states.length !== numbers.length) {
    throw new ProtocolError(`icao24: ${states.length} values for ${numbers.length} rows`);
  }
  writeColumns(table, states, base);
  return new Map(states.map((state, row) => [numbers[row] ?? 0, state]));
}

const UNKNOWN = Object.fromEntries(FIELDS.map((field) => [field, null])) as unknown as StateVector;

/** The state of an aircraft of which nothing is known but its address. */
export function unknownState(icao24: string): StateVector {
  return { ...UNKNOWN, icao24, last_contact: 0 };
}
