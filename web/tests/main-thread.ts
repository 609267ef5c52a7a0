/** A piece of work of the main thread, in microseconds of the monotonic clock. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  /** The CPU time: the rest is waiting for the graphics or for a core. */
  readonly worked: number;
}

interface TraceEvent {
  readonly name: string;
  /** `X` is an event with a duration. */
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  /** The CPU time of the thread. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** The trace categories that it needs. */
export const CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline"];

const TASK = "RunTask";
const FRAME = "FireAnimationFrame";
/** Everything that runs script, including garbage collection. */
const SCRIPT = new Set([
  FRAME,
  "EvaluateScript",
  "EventDispatch",
  "FunctionCall",
  "MajorGC",
  "MinorGC",
  "RunMicrotasks",
  "TimerFire",
  "v8.evaluateModule",
]);

/** The work of the main thread of the busiest page in a trace of Chromium, ordered by time. */
export class MainThread {
  readonly tasks: readonly Piece[];
  /** Outermost pieces of script. */
  readonly script: readonly Piece[];
  /** The callbacks of animation frames. */
  readonly frames: readonly Piece[];

  constructor(trace: Buffer) {
    const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: readonly TraceEvent[] };
    const mains = new Map<string, TraceEvent[]>();
    for (const { name, pid, tid, args } of traceEvents) {
      if (name === "thread_name" && args?.name === "CrRendererMain") mains.set(`${pid} ${tid}`, []);
    }
    for (const event of traceEvents) if (event.ph === "X") mains.get(`${event.pid} ${event.tid}`)?.push(event);
    const events = [...mains.values()].sort((one, other) => other.length - one.length)[0] ?? [];
    events.sort((one, other) => one.ts - other.ts || (other.dur ?? 0) - (one.dur ?? 0));
    this.tasks = outermost(events, (name) => name === TASK);
    this.script = outermost(events, (name) => SCRIPT.has(name));
    this.frames = outermost(events, (name) => name === FRAME);
  }
}

/** The pieces that begin in a period. */
export function between(pieces: readonly Piece[], from: number, to: number): Piece[] {
  return pieces.filter((piece) => piece.from >= from && piece.from < to);
}

/** The elapsed time of pieces, milliseconds. */
export function took(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { from, to }) => sum + to - from, 0) / 1000;
}

/** The CPU time of pieces, milliseconds. */
export function worked(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + piece.worked, 0) / 1000;
}

function outermost(events: readonly TraceEvent[], wanted: (name: string) => boolean): Piece[] {
  const pieces: Piece[] = [];
  for (const { name, ts, dur = 0, tdur = dur } of events) {
    if (wanted(name) && ts >= (pieces.at(-1)?.to ?? -Infinity)) pieces.push({ from: ts, to: ts + dur, worked: tdur });
  }
  return pieces;
}
