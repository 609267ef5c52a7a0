import { clock } from "../model/time.ts";
import { span } from "../model/units.ts";

/** The phase of an actor. */
export type Phase =
  "starting" | "running" | "stalled" | "backing_off" | "paused" | "restarting" | "draining" | "finished" | "failed";

/** The vitals of one actor, as in `/admin/actors`. Times are Unix seconds. */
export interface ActorVitals {
  readonly name: string;
  readonly phase: Phase;
  readonly since: number;
  readonly restarts: number;
  readonly last_error: { readonly at: number; readonly message: string } | null;
  readonly last_progress: number | null;
  readonly observation: Readonly<Record<string, unknown>>;
}

/** A `vitals` event of `/admin/events`. */
export interface ServerVitals {
  /** Unix seconds. */
  readonly at: number;
  readonly course: "serving" | "draining" | "drained";
  readonly memory_bytes: number | null;
  readonly actors: readonly ActorVitals[];
}

/** A `log` event of `/admin/events`. */
export type LogEntry = {
  readonly id: number;
  readonly at: number;
  /** `null`: the process. */
  readonly actor: string | null;
} & (
  | { readonly kind: "phase"; readonly from: Phase; readonly to: Phase; readonly reason: string | null }
  | { readonly kind: "readiness"; readonly ready: boolean; readonly reason: string | null }
  | { readonly kind: "order"; readonly action: string }
);

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
export function sentence(entry: LogEntry): string {
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
export function weight(entry: LogEntry): "good" | "waiting" | "bad" | "order" {
  if (entry.kind === "order") return "order";
  if (entry.kind === "readiness") return entry.ready ? "good" : "bad";
  return tone(entry.to);
}

const because = (reason: string | null): string => (reason === null ? "" : `: ${reason}`);

/** A number that an actor observes, if it has this one. */
export function observed(actor: ActorVitals | undefined, field: string): number | undefined {
  const value = actor?.observation[field];
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
