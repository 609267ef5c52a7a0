import type { Alert } from "../stream/index.ts";
import { alertKey } from "./alerts.ts";

/** The alerts of a list, the newest first. */
export interface AlertList {
  readonly active: readonly Alert[];
  /** Without a time in `ended`, an alert has ended, but it is not known when. */
  readonly ended: readonly Alert[];
}

/** Where the alerts of a list come from. */
export interface AlertSources {
  /** The active alerts of the stream, or of a replay; `undefined` while they are not known. */
  readonly active: readonly Alert[] | undefined;
  /** Those that the server has stored, active or not. */
  readonly stored: readonly Alert[];
  /** Those that were active earlier while the page was open. */
  readonly gone: readonly Alert[];
}

/** The alerts of live traffic. The stream says which are active, since an end is stored some seconds later. */
export function liveList({ active, stored, gone }: AlertSources): AlertList {
  const all = new Map<string, Alert>();
  // What is stored of an alert says when it ended.
  for (const alert of [...gone, ...stored]) all.set(alertKey(alert), alert);
  if (active === undefined) return split([...all.values()], ({ ended }) => ended === null);
  const keys = new Set(active.map(alertKey));
  const others = [...all.values()].filter((alert) => !keys.has(alertKey(alert)));
  return { active: newestFirst(active), ended: newestFirst(others) };
}

/**
 * The alerts at a moment of a replay, Unix seconds. The recorded states tell emergencies alone, and only those that have
 * begun since the beginning of what is loaded; what is stored tells the alerts of every rule.
 */
export function listAt(at: number, { active = [], stored }: AlertSources): AlertList {
  const begun = stored.filter(({ since }) => since <= at);
  const list = split(begun, ({ ended }) => ended === null || ended > at);
  const known = new Set(list.active.map(({ rule, icao24 }) => `${rule}/${icao24}`));
  const others = active.filter(({ rule, icao24 }) => !known.has(`${rule}/${icao24}`));
  return { ...list, active: newestFirst([...list.active, ...others]) };
}

function split(alerts: readonly Alert[], isActive: (alert: Alert) => boolean): AlertList {
  const newest = newestFirst(alerts);
  return { active: newest.filter(isActive), ended: newest.filter((alert) => !isActive(alert)) };
}

function newestFirst(alerts: readonly Alert[]): readonly Alert[] {
  return [...alerts].sort((one, other) => other.since - one.since || (alertKey(one) < alertKey(other) ? 1 : -1));
}

/** How many alerts that have ended are kept. */
const MAX_GONE = 1_000;

/** Follows the active alerts of the stream: which are new, and which have ended. */
export class AlertChanges {
  private active: ReadonlyMap<string, Alert> | undefined;
  private readonly seen = new Set<string>();
  private readonly ended = new Map<string, Alert>();

  /** The alerts that have ended since the page was opened. */
  get gone(): readonly Alert[] {
    return [...this.ended.values()];
  }

  /** Takes the active alerts and returns those that are new; none of the first ones is. */
  update(alerts: readonly Alert[]): readonly Alert[] {
    const active = new Map(alerts.map((alert) => [alertKey(alert), alert]));
    for (const [key, alert] of this.active ?? []) if (!active.has(key)) this.ended.set(key, alert);
    for (const key of active.keys()) this.ended.delete(key);
    for (const key of [...this.ended.keys()].slice(0, Math.max(0, this.ended.size - MAX_GONE))) {
      this.ended.delete(key);
      this.seen.delete(key);
    }
    const isFirst = this.active === undefined;
    const fresh = [...active].filter(([key]) => !this.seen.has(key));
    for (const [key] of fresh) this.seen.add(key);
    this.active = active;
    return isFirst ? [] : fresh.map(([, alert]) => alert);
  }
}
