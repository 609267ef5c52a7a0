import type { RecordedState } from "../api/types.ts";
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
    if (emergency !== undefined) emergencies.set(state.icao24, { ...emergency, state });
  }
  return emergencies;
}

/** An emergency in words: `7700 emergency`. */
export function emergencyText({ squawk, meaning }: Emergency): string {
  return squawk === null ? meaning : `${squawk} ${meaning}`;
}

/** The alerts of an aircraft after its next recorded state. The server judges each state; this keeps since when they last. */
export function alertsAfter(before: readonly Alert[], state: RecordedState): readonly Alert[] {
  const { icao24, squawk, last_contact: since } = state;
  return state.alerts.flatMap(({ rule, meaning }) => {
    const active = before.find((alert) => alert.rule === rule);
    // Without a meaning the state lacks the fields to tell, and leaves the alert as it was.
    if (active !== undefined && (meaning ?? active.meaning) === active.meaning) return [active];
    if (meaning === null) return [];
    return [{ rule, icao24, squawk, meaning, detail: meaning, since, ended: null, state }];
  });
}
