import type { StateVector } from "./state.ts";
import { integer, object, ProtocolError, text } from "./table.ts";

/** An aircraft that meets the condition of a rule, as `docs/alerts.md` describes it. */
export interface Alert {
  readonly icao24: string;
  /** Its transponder code when the alert started; empty where unknown. */
  readonly squawk: string;
  /** The condition that is met, in words. */
  readonly meaning: string;
  /** When it first met the condition, Unix seconds. */
  readonly since: number;
  /** The aircraft as it was then. */
  readonly state: Readonly<StateVector>;
}

/** The alerts of an `alert` event. */
export function readAlerts(value: unknown): readonly Alert[] {
  if (!Array.isArray(value)) throw new ProtocolError("alerts: no array");
  return value.map((each) => {
    const alert = object(each, "alert");
    return {
      icao24: text(alert["icao24"], "icao24"),
      squawk: alert["squawk"] === null ? "" : text(alert["squawk"], "squawk"),
      meaning: text(alert["meaning"], "meaning"),
      since: integer(alert["since"], "since"),
      state: object(alert["state"], "state") as unknown as StateVector,
    };
  });
}
