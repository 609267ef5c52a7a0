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

type Field = Exclude<keyof StateVector, "icao24">;
/** The fields whose values have this type or are unknown. */
type FieldOf<Value> = {
  [Name in Field]: null extends StateVector[Name] ? (StateVector[Name] extends Value | null ? Name : never) : never;
}[Field];

/** A column of a table. */
interface Column<Name extends Field> {
  readonly field: Name;
  /** Calls back with each value, and the aircraft that it belongs to. */
  readonly each: (use: (state: StateVector, value: unknown) => void) => void;
  readonly table: Json;
  /** What the table's times are differences to, Unix seconds. */
  readonly base: number;
}
type Write<Name extends Field> = (column: Column<Name>) => void;

/** Integers, each this many times the field's value. */
function scaled(scale: number): Write<FieldOf<number>> {
  return ({ field, each, table }) => {
    const wraps = table["wrap"] === undefined ? {} : object(table["wrap"], "wrap");
    const wrap = wraps[field] === undefined ? undefined : integer(wraps[field], "wrap");
    each((state, value) => {
      if (value === null) {
        state[field] = null;
        return;
      }
      let whole = integer(value, field);
      if (wrap !== undefined) {
        const held = state[field];
        if (held === null) throw new ProtocolError(`${field}: a remainder without a held value`);
        whole = unwrapped(whole, Math.round(held * scale), wrap);
      }
      state[field] = whole / scale;
    });
  };
}

const string: Write<FieldOf<string>> = ({ field, each }) => {
  each((state, value) => {
    state[field] = value === null ? null : text(value, field);
  });
};

const flag: Write<FieldOf<boolean>> = ({ field, each }) => {
  each((state, value) => {
    state[field] = value === null ? null : value === 1 || value === true;
  });
};

/** Indices into a list of the table. */
function indexed(list: string): Write<FieldOf<string>> {
  return ({ field, each, table }) => {
    const names = table[list] as unknown[] | undefined;
    each((state, value) => {
      const name: unknown = value === null ? null : names?.[integer(value, field)];
      state[field] = name === null ? null : text(name, field);
    });
  };
}

/** How each field is encoded (`docs/stream.md`). `time_position` is a difference to `last_contact`, which comes first. */
const COLUMNS: { readonly [Name in Field]: Write<Name> } = {
  last_contact: ({ field, each, base }) => {
    each((state, value) => {
      state.last_contact = base - integer(value, field);
    });
  },
  time_position: ({ field, each }) => {
    each((state, value) => {
      state.time_position = value === null ? null : state.last_contact - integer(value, field);
    });
  },
  observed_at: ({ field, each, base }) => {
    each((state, value) => {
      state.observed_at = value === null ? null : base - integer(value, field);
    });
  },
  callsign: string,
  origin_country: indexed("countries"),
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
  source: indexed("sources"),
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
  for (const field of FIELDS) {
    const each: Column<Field>["each"] = (use) => {
      eachValue(table[field], states.length, field, (row, value) => {
        const state = states[row];
        if (state !== undefined) use(state, value);
      });
    };
    (COLUMNS[field] as Write<Field>)({ field, each, table, base });
  }
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

/** The state of an aircraft of which nothing is known but its address. */
export function unknownState(icao24: string): StateVector {
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
    source: null,
  };
}
