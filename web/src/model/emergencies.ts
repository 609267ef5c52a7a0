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

/**
 * Alerts of a replay. The server judges each recorded state; this keeps since when each alert lasts. Live traffic has the
 * server's alerts.
 */
export class RecordedAlerts {
  private active = new Map<string, Alert>();

  /** The alerts of a moment. One begins with the first state that the server judged so. */
  of(states: readonly RecordedState[]): Alert[] {
    const active = new Map<string, Alert>();
    for (const state of states) {
      const { icao24, squawk, last_contact: since } = state;
      for (const { rule, meaning } of state.alerts) {
        const key = `${icao24} ${rule}`;
        const known = this.active.get(key);
        // A state without a meaning lacks the fields to tell, and leaves the alert as it was.
        if (known !== undefined && (meaning ?? known.meaning) === known.meaning) active.set(key, known);
        else if (meaning !== null) active.set(key, { icao24, squawk, meaning, since, state });
      }
    }
    this.active = active;
    return [...active.values()];
  }
}
