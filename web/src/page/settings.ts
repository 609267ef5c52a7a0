import type { Zone } from "../model/time.ts";
import { TRANSITION_ALTITUDE, UNIT_SYSTEMS } from "../model/units.ts";
import type { UnitSystem } from "../model/units.ts";

/** What somebody chose, kept in this browser. */
export interface Settings {
  readonly units: UnitSystem;
  readonly theme: "auto" | "light" | "dark";
  /** Whether positions are carried on between two reports. */
  readonly smooth: boolean;
  /** The clock that times are shown by. */
  readonly zone: Zone;
  /** Altitudes are flight levels from here on, feet. */
  readonly transition: number;
  /** Whether single keys open panels. */
  readonly shortcuts: boolean;
}

/** No airspace has a higher transition altitude. Feet. */
export const MAX_TRANSITION = 20_000;

const KEY = "flight-monitor.settings";
const DEFAULTS: Settings = {
  units: "aeronautical",
  theme: "auto",
  smooth: false,
  zone: "utc",
  transition: TRANSITION_ALTITUDE,
  shortcuts: true,
};

/** The settings as they were kept; the defaults for what is missing or makes no sense. */
export function readSettings(storage: Pick<Storage, "getItem"> = localStorage): Settings {
  try {
    const kept = JSON.parse(storage.getItem(KEY) ?? "{}") as Partial<Record<keyof Settings, unknown>>;
    return {
      units: UNIT_SYSTEMS.find((system) => system === kept.units) ?? DEFAULTS.units,
      theme: (["light", "dark"] as const).find((theme) => theme === kept.theme) ?? DEFAULTS.theme,
      smooth: kept.smooth === true,
      zone: kept.zone === "local" ? "local" : DEFAULTS.zone,
      transition: isTransition(kept.transition) ? kept.transition : DEFAULTS.transition,
      shortcuts: kept.shortcuts !== false,
    };
  } catch {
    // Nothing is kept in a browser that forbids it.
    return DEFAULTS;
  }
}

/** Whether altitudes may become flight levels here. */
export function isTransition(feet: unknown): feet is number {
  return typeof feet === "number" && feet >= 0 && feet <= MAX_TRANSITION;
}

/** Keeps them, where the browser lets us. */
export function keepSettings(settings: Settings, storage: Pick<Storage, "setItem"> = localStorage): void {
  try {
    storage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // They hold until the page is closed.
  }
}
