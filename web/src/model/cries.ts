import type { Alert, StateVector } from "../stream/index.ts";
import { emergency } from "./aircraft.ts";

/** An aircraft that cries for help. */
export interface Cry {
  readonly icao24: string;
  readonly squawk: string;
  readonly meaning: string;
  /** When it was first heard with this code, Unix seconds. */
  readonly since: number;
  /** The aircraft: as it is, or where it is out of sight as it was when it began. */
  readonly state: StateVector;
}

/** Who cries for help: those the server knows of, wherever they are, and those that are seen. */
export class Watch {
  private since = new Map<string, number>();

  /** Those at present, the newest first. A cry that is seen, and that the server tells nothing of, began when it was seen first. */
  cries(states: readonly StateVector[], alerts: readonly Alert[]): Cry[] {
    const key = ({ icao24, squawk }: { icao24: string; squawk: string | null }): string => `${icao24} ${squawk ?? ""}`;
    const told = new Map(alerts.map((alert) => [key(alert), alert]));
    const seen = new Map<string, number>();
    const cries: Cry[] = [];
    for (const state of states) {
      const meaning = emergency(state);
      const { icao24, squawk } = state;
      if (meaning === undefined || squawk === null) continue;
      const since = told.get(key(state))?.since ?? this.since.get(key(state)) ?? state.last_contact;
      told.delete(key(state));
      seen.set(key(state), since);
      cries.push({ icao24, squawk, meaning, since, state });
    }
    this.since = seen;
    return [...cries, ...told.values()].sort((a, b) => b.since - a.since);
  }
}
