/** An aircraft that may be labelled, with its place on the web mercator map. */
export interface Candidate {
  readonly icao24: string;
  readonly x: number;
  readonly y: number;
}

/**
 * Chooses the aircraft to label where there is not enough room for all, spread over the view: one in each square of a grid,
 * then a second one, up to the limit.
 *
 * The grid is fixed to the world, and aircraft that were labelled before come first in their square: labels neither jump
 * while the map moves nor change with an update.
 *
 * @param square the side of a square on the web mercator map
 */
export function spread<T extends Candidate>(
  candidates: readonly T[],
  max: number,
  square: number,
  before: ReadonlySet<string>,
): T[] {
  if (candidates.length <= max) return [...candidates];
  const squares = new Map<string, { readonly order: number; readonly labelled: boolean; readonly candidate: T }[]>();
  for (const candidate of candidates) {
    const key = `${Math.floor(candidate.x / square)} ${Math.floor(candidate.y / square)}`;
    const inside = squares.get(key) ?? [];
    squares.set(key, inside);
    const { icao24 } = candidate;
    inside.push({ order: hash(icao24), labelled: before.has(icao24), candidate });
  }
  const turns: { readonly turn: number; readonly order: number; readonly labelled: boolean; readonly candidate: T }[] =
    [];
  for (const inside of squares.values()) {
    inside.sort(labelledFirst);
    inside.forEach((one, turn) => turns.push({ ...one, turn }));
  }
  turns.sort((one, other) => one.turn - other.turn || labelledFirst(one, other));
  return turns.slice(0, max).map(({ candidate }) => candidate);
}

function labelledFirst(
  one: { readonly order: number; readonly labelled: boolean },
  other: { readonly order: number; readonly labelled: boolean },
): number {
  return Number(other.labelled) - Number(one.labelled) || one.order - other.order;
}

/** A number from 0 to 1 that is constant for an aircraft and independent of its position (FNV-1a). */
export function hash(icao24: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < icao24.length; i += 1) value = Math.imul(value ^ icao24.charCodeAt(i), 0x01000193) >>> 0;
  return value / 2 ** 32;
}
