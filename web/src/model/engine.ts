import { clock } from "./time.ts";
import { span } from "./units.ts";

/** What an actor is doing. */
export type Phase =
  "starting" | "running" | "stalled" | "backing_off" | "paused" | "restarting" | "draining" | "finished" | "failed";

/** One actor, as `/admin/actors` has it. Times are Unix seconds. */
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
export interface EngineVitals {
  /** When it was written, Unix seconds. */
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

/** How an actor is, for the colour of its lamp. */
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

/** A phase in words. */
export function phaseName(phase: Phase): string {
  return phase.replace("_", " ");
}

const ORDERS: Readonly<Record<string, string>> = {
  pause_polling: "ordered to pause",
  resume_polling: "ordered to go on",
  restart: "ordered to restart",
  drain: "ordered to drain",
};

/** What an entry of the log says. */
export function sentence(entry: LogEntry): string {
  switch (entry.kind) {
    case "phase":
      return `${phaseName(entry.to)}, was ${phaseName(entry.from)}${because(entry.reason)}`;
    case "readiness":
      return entry.ready ? "can be used" : `cannot be used${because(entry.reason)}`;
    case "order":
      return ORDERS[entry.action] ?? entry.action;
  }
}

/** How much an entry matters. */
export function weight(entry: LogEntry): "good" | "waiting" | "bad" | "order" {
  if (entry.kind === "order") return "order";
  if (entry.kind === "readiness") return entry.ready ? "good" : "bad";
  return tone(entry.to);
}

const because = (reason: string | null): string => (reason === null ? "" : `: ${reason}`);

/** A number of an observation; `undefined` where there is none. */
export function observed(actor: ActorVitals | undefined, field: string): number | undefined {
  const value = actor?.observation[field];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** A number of bytes: `512 MiB`. */
export function bytes(count: number): string {
  const mebibytes = count / 2 ** 20;
  return mebibytes < 1024 ? `${mebibytes.toFixed(mebibytes < 10 ? 1 : 0)} MiB` : `${(mebibytes / 1024).toFixed(2)} GiB`;
}

/** A moment and how long ago it was: `14:05:09, 3 s ago`. */
export function moment(unixSeconds: number | null, now: number): string {
  return unixSeconds === null ? "not yet" : `${clock(unixSeconds)}, ${span(now - unixSeconds)} ago`;
}

/** A figure of the last minutes, one value a second. */
export class Series {
  /** How many values are kept: two minutes of them. */
  static readonly LENGTH = 120;
  private readonly kept: (number | null)[] = [];

  /** The values, oldest first; `null` where none was known. */
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

/** Makes rates of a counter that may begin anew. What comes in bursts is spread over ten seconds. */
export class Rate {
  static readonly WINDOW = 10;
  private kept: { at: number; count: number }[] = [];

  /** How much it grew a second in the last ten; `undefined` where that is not known. */
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
