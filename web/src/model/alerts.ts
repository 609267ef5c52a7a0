import type { RecordedState } from "../api/types.ts";
import type { Alert, StateVector } from "../stream/index.ts";

/** The built-in rule: an aircraft squawks 7500, 7600 or 7700. */
const EMERGENCY_SQUAWK = "emergency-squawk";

/**
 * The active alerts by ICAO address. Emergencies come first, then the newest; an aircraft is where its first alert is.
 * Aircraft are as they are now in the loaded area, elsewhere as they were when the alert began.
 */
export type ActiveAlerts = ReadonlyMap<string, readonly Alert[]>;

/** The alerts by their aircraft. */
export function activeAlerts(alerts: readonly Alert[], held: readonly StateVector[]): ActiveAlerts {
  const active = new Map<string, Alert[]>();
  const urgency = (alert: Alert): number => (isEmergency(alert) ? 0 : 1);
  const ordered = [...alerts].sort((one, other) => urgency(one) - urgency(other) || other.since - one.since);
  for (const alert of ordered) active.set(alert.icao24, [...(active.get(alert.icao24) ?? []), alert]);
  if (active.size === 0) return active;
  for (const state of held) {
    const ofAircraft = active.get(state.icao24);
    if (ofAircraft === undefined) continue;
    active.set(
      state.icao24,
      ofAircraft.map((alert) => ({ ...alert, state })),
    );
  }
  return active;
}

/** Whether an alert is an emergency squawk, rather than an alert of another rule. */
export function isEmergency({ rule }: Pick<Alert, "rule">): boolean {
  return rule === EMERGENCY_SQUAWK;
}

/** An alert in words: `7700 emergency`, or the message of its rule. */
export function alertText(alert: Alert): string {
  const { squawk, meaning } = alert;
  return isEmergency(alert) && squawk !== null ? `${squawk} ${meaning}` : meaning;
}

/** An alert as a sentence: `Squawk 7700: emergency`. */
export function alertSentence(alert: Alert): string {
  const { squawk, meaning } = alert;
  return isEmergency(alert) && squawk !== null ? `Squawk ${squawk}: ${meaning}` : meaning;
}

/** Identifies an alert: a rule has at most one for each aircraft and beginning. */
export function alertKey({ rule, icao24, since }: Pick<Alert, "rule" | "icao24" | "since">): string {
  return `${rule}/${icao24}/${since}`;
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
