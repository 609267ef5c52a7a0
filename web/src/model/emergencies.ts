import type { Alert, StateVector } from "../stream/index.ts";

/** An active alert. Its aircraft is as it is now in the loaded area, elsewhere as it was when the alert began. */
export type Emergency = Alert;

/** Emergencies by ICAO address, newest first. */
export type Emergencies = ReadonlyMap<string, Emergency>;

/** The emergencies of these alerts. */
export function emergenciesOf(alerts: readonly Alert[], held: readonly StateVector[]): Emergencies {
  const emergencies = new Map<string, Emergency>();
  const newestFirst = [...alerts].sort((one, other) => other.since - one.since);
  for (const alert of newestFirst) if (!emergencies.has(alert.icao24)) emergencies.set(alert.icao24, alert);
  if (emergencies.size === 0) return emergencies;
  for (const state of held) {
    const emergency = emergencies.get(state.icao24);
    // A state without a code says nothing about the alert.
    if (emergency !== undefined && state.squawk !== null) emergencies.set(state.icao24, { ...emergency, state });
  }
  return emergencies;
}

/** An emergency in words: `7700 emergency`. */
export function emergencyText({ squawk, meaning }: Emergency): string {
  return squawk === null ? meaning : `${squawk} ${meaning}`;
}

/** The emergency squawk codes (ICAO Annex 10). */
const MEANINGS: Readonly<Record<string, string>> = {
  "7500": "unlawful interference",
  "7600": "radio failure",
  "7700": "emergency",
};

/** What an emergency squawk code means; `undefined` for any other code. */
export function squawkMeaning({ squawk }: Pick<StateVector, "squawk">): string | undefined {
  return squawk === null ? undefined : MEANINGS[squawk];
}

/**
 * Alerts of a replay. The server keeps none of past traffic, so they are read off the recorded squawk codes; live traffic
 * has the server's.
 */
export class RecordedAlerts {
  private since = new Map<string, number>();

  /** The alerts of a moment. One begins when its aircraft first has the code in this replay. */
  of(states: readonly StateVector[]): Alert[] {
    const since = new Map<string, number>();
    const alerts = states.flatMap((state): Alert[] => {
      const { icao24, squawk } = state;
      const meaning = squawkMeaning(state);
      if (squawk === null || meaning === undefined) return [];
      const key = `${icao24} ${squawk}`;
      const begin = this.since.get(key) ?? state.last_contact;
      since.set(key, begin);
      return [{ icao24, squawk, meaning, since: begin, state }];
    });
    this.since = since;
    return alerts;
  }
}
