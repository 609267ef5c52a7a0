import type { KnownAircraft } from "../api/types.ts";
import type { StateVector } from "../stream/index.ts";
import { plainRegistration } from "./facts.ts";

type FactsByAddress = ReadonlyMap<string, KnownAircraft>;

/**
 * The aircraft that match a text, best match first: an equal ICAO address, callsign or registration, one that begins with
 * the text, a callsign or registration that contains it, an equal type, a type, operator, airline or country that begins
 * with it, a name with a word that does. Case is ignored, and so are the hyphens of registrations.
 */
export function search(states: Iterable<StateVector>, text: string, max: number, facts: FactsByAddress): StateVector[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [];
  const plain = plainRegistration(wanted);
  const ranks: StateVector[][] = [[], [], [], [], []];
  for (const state of states) {
    const rank = rankOf(state, facts.get(state.icao24), wanted, plain);
    if (rank !== undefined) ranks[rank]?.push(state);
  }
  for (const rank of ranks) rank.sort((a, b) => key(a).localeCompare(key(b)));
  return ranks.flat().slice(0, max);
}

const key = ({ callsign, icao24 }: StateVector): string => callsign ?? `~${icao24}`;

function rankOf(
  { icao24, callsign, origin_country }: StateVector,
  known: KnownAircraft | undefined,
  wanted: string,
  plain: string,
): number | undefined {
  const sign = callsign?.toLowerCase() ?? "";
  const registration = known?.registration === undefined || plain === "" ? "" : plainRegistration(known.registration);
  if (icao24 === wanted || sign === wanted || (registration !== "" && registration === plain)) return 0;
  if (sign.startsWith(wanted) || icao24.startsWith(wanted) || (registration !== "" && registration.startsWith(plain))) {
    return 1;
  }
  if (sign.includes(wanted) || (registration !== "" && registration.includes(plain))) return 2;
  // Of single letters these find nearly everything.
  if (wanted.length < 2) return undefined;
  const type = known?.type?.toLowerCase() ?? "";
  if (type === wanted) return 2;
  const names = [known?.operator, known?.airline, known?.description, origin_country ?? undefined].map(
    (name) => name?.toLowerCase() ?? "",
  );
  if (type.startsWith(wanted) || names.some((name) => name.startsWith(wanted))) return 3;
  return names.some((name) => name.includes(` ${wanted}`)) ? 4 : undefined;
}
