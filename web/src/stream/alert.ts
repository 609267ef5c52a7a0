import type { components } from "../api/schema.ts";
import type { StateVector } from "./state.ts";
import { integer, object, ProtocolError, text } from "./table.ts";

/** An alert, as the server's JSON API describes it. Unix seconds. */
export type Alert = components["schemas"]["Alert"];

/** Decodes the alerts of an `alert` event. */
export function readAlerts(value: unknown): readonly Alert[] {
  if (!Array.isArray(value)) throw new ProtocolError("alerts: not an array");
  return value.map((each) => {
    const alert = object(each, "alert");
    return {
      icao24: text(alert["icao24"], "icao24"),
      squawk: alert["squawk"] === null ? null : text(alert["squawk"], "squawk"),
      meaning: text(alert["meaning"], "meaning"),
      since: integer(alert["since"], "since"),
      state: object(alert["state"], "state") as unknown as StateVector,
      rule: text(alert["rule"], "rule"),
      ended: alert["ended"] === null ? null : integer(alert["ended"], "ended"),
      detail: text(alert["detail"], "detail"),
    };
  });
}
