import type { StateVector } from "../stream/index.ts";

/**
 * The aircraft that match a text, best match first: an equal ICAO address or callsign, one that begins with the text, a
 * callsign that contains it, a country that begins with it.
 */
export function search(states: Iterable<StateVector>, text: string, max: number): StateVector[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [];
  const ranks: StateVector[][] = [[], [], [], []];
  for (const state of states) {
    const rank = rankOf(state, wanted);
    if (rank !== undefined) ranks[rank]?.push(state);
  }
  for (const rank of ranks) rank.sort((a, b) => key(a).localeCompare(key(b)));
  return ranks.flat().slice(0, max);
}

const key = ({ callsign, icao24 }: StateVector): string => callsign ?? `~${icao24}`;

function rankOf({ icao24, callsign, origin_country }: StateVector, wanted: string): number | undefined {
  const sign = callsign?.toLowerCase() ?? "";
  if (icao24 === wanted || sign === wanted) return 0;
  if (sign.startsWith(wanted) || icao24.startsWith(wanted)) return 1;
  if (sign.includes(wanted)) return 2;
  if (wanted.length >= 2 && origin_country?.toLowerCase().startsWith(wanted)) return 3;
  return undefined;
}
