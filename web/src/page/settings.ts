import type { LabelFacts } from "../model/facts.ts";
import type { Zone } from "../model/time.ts";
import { TRANSITION_ALTITUDE, UNIT_SYSTEMS } from "../model/units.ts";
import type { UnitSystem } from "../model/units.ts";

/** The user's choices, stored in the browser. */
export interface Settings {
  readonly units: UnitSystem;
  readonly theme: "auto" | "light" | "dark";
  /** Whether positions are estimated between reports. */
  readonly smooth: boolean;
  /** The time zone of all times. */
  readonly zone: Zone;
  /** Altitudes from here up are shown as flight levels, feet. */
  readonly transition: number;
  /** Whether the labels of the map have registrations, and types. */
  readonly labels: LabelFacts;
  /** Whether single keys open panels. */
  readonly shortcuts: boolean;
  /** Whether the browser shows a notification of each new alert, where it allows that. */
  readonly notify: boolean;
  /** Whether each new alert makes a sound. */
  readonly sound: boolean;
}

/** The highest transition altitude of any airspace, feet. */
export const MAX_TRANSITION = 20_000;

const KEY = "flight-monitor.settings";
const DEFAULTS: Settings = {
  units: "aeronautical",
  theme: "auto",
  smooth: false,
  zone: "utc",
  transition: TRANSITION_ALTITUDE,
  labels: { registration: true, type: true },
  shortcuts: true,
  notify: false,
  sound: false,
};

/** Reads the stored settings; missing or invalid ones have their defaults. */
export function readSettings(storage: Pick<Storage, "getItem"> = localStorage): Settings {
  try {
    const stored = JSON.parse(storage.getItem(KEY) ?? "{}") as Partial<Record<keyof Settings, unknown>>;
    return {
      units: UNIT_SYSTEMS.find((system) => system === stored.units) ?? DEFAULTS.units,
      theme: (["light", "dark"] as const).find((theme) => theme === stored.theme) ?? DEFAULTS.theme,
      smooth: stored.smooth === true,
      zone: stored.zone === "local" ? "local" : DEFAULTS.zone,
      transition: isTransition(stored.transition) ? stored.transition : DEFAULTS.transition,
      labels: readLabels(stored.labels),
      shortcuts: stored.shortcuts !== false,
      notify: stored.notify === true,
      sound: stored.sound === true,
    };
  } catch {
    // A browser may forbid storage.
    return DEFAULTS;
  }
}

function readLabels(stored: unknown): LabelFacts {
  const labels =
    typeof stored === "object" && stored !== null ? (stored as Partial<Record<keyof LabelFacts, unknown>>) : {};
  return { registration: labels.registration !== false, type: labels.type !== false };
}

/** Whether this is a possible transition altitude. */
export function isTransition(feet: unknown): feet is number {
  return typeof feet === "number" && feet >= 0 && feet <= MAX_TRANSITION;
}

/** Stores the settings where the browser allows it. */
export function storeSettings(settings: Settings, storage: Pick<Storage, "setItem"> = localStorage): void {
  try {
    storage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // They apply until the page is closed.
  }
}
