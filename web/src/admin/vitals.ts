import type { ActorStatus, JournalEntry, ObservedField, Phase } from "../api/types.ts";
import { clock } from "../model/time.ts";
import { span } from "../model/units.ts";

/** The colour of a phase. */
export function tone(phase: Phase): "good" | "waiting" | "bad" {
  switch (phase) {
    case "running":
      return "good";
    case "stalled":
    case "failed":
      return "bad";
    case "starting":
    case "backing_off":
    case "paused":
    case "restarting":
    case "draining":
    case "finished":
      return "waiting";
  }
}

/** The name of a phase. */
export function phaseName(phase: Phase): string {
  if (phase === "finished") return "stopped";
  return phase.replace("_", " ");
}

const ORDERS: Readonly<Record<string, string>> = {
  pause_polling: "pause requested",
  resume_polling: "resume requested",
  restart: "restart requested",
  drain: "drain requested",
};

/** A log entry in words. */
export function sentence(entry: JournalEntry): string {
  switch (entry.kind) {
    case "phase":
      return `${phaseName(entry.from)} → ${phaseName(entry.to)}${because(entry.reason)}`;
    case "readiness":
      return entry.ready ? "ready" : `not ready${because(entry.reason)}`;
    case "order":
      return ORDERS[entry.action] ?? entry.action;
  }
}

/** The colour of a log entry. */
export function weight(entry: JournalEntry): "good" | "waiting" | "bad" | "order" {
  if (entry.kind === "order") return "order";
  if (entry.kind === "readiness") return entry.ready ? "good" : "bad";
  return tone(entry.to);
}

const because = (reason: string | null): string => (reason === null ? "" : `: ${reason}`);

/** A field that an actor observes; `undefined` if it does not. */
export function observation(actor: ActorStatus | undefined, field: ObservedField): unknown {
  const fields: Partial<Record<ObservedField, unknown>> | undefined = actor?.observation;
  return fields?.[field];
}

/** A number that an actor observes, if it has this one. */
export function observed(actor: ActorStatus | undefined, field: ObservedField): number | undefined {
  const value = observation(actor, field);
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** A size in binary units: `512 MiB`. */
export function bytes(count: number): string {
  const mebibytes = count / 2 ** 20;
  return mebibytes < 1024 ? `${mebibytes.toFixed(mebibytes < 10 ? 1 : 0)} MiB` : `${(mebibytes / 1024).toFixed(2)} GiB`;
}

/** A time and its age: `14:05:09 UTC, 3 s ago`. */
export function moment(unixSeconds: number | null, now: number): string {
  return unixSeconds === null ? "not yet" : `${clock(unixSeconds)}, ${span(now - unixSeconds)} ago`;
}

/** The values of the last two minutes, one per second. */
export class Series {
  /** The number of values. */
  static readonly LENGTH = 120;
  private readonly kept: (number | null)[] = [];

  /** The values, oldest first; `null` is unknown. */
  get values(): readonly (number | null)[] {
    return this.kept;
  }

  get last(): number | null {
    return this.kept.at(-1) ?? null;
  }

  push(value: number | undefined): void {
    this.kept.push(value ?? null);
    if (this.kept.length > Series.LENGTH) this.kept.shift();
  }
}

/** The rate of a counter that may restart. Bursts are averaged over ten seconds. */
export class Rate {
  static readonly WINDOW = 10;
  private kept: { at: number; count: number }[] = [];

  /** The growth per second in the last ten; `undefined` after a restart of the counter. */
  take(count: number | undefined, at: number): number | undefined {
    const before = this.kept.at(-1);
    if (count === undefined || (before !== undefined && (count < before.count || at <= before.at))) this.kept = [];
    if (count === undefined) return undefined;
    this.kept.push({ at, count });
    while ((this.kept[0]?.at ?? at) < at - Rate.WINDOW) this.kept.shift();
    const first = this.kept[0];
    return first === undefined || first.at === at ? undefined : (count - first.count) / (at - first.at);
  }
}
