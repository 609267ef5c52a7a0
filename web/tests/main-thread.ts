/** Something that the main thread did, in microseconds of the system's monotonic clock. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  /** How long of it the processor worked on it: the rest is waiting, for the graphics or for a core. */
  readonly worked: number;
}

interface TraceEvent {
  readonly name: string;
  /** `X` is something that has a duration. */
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  /** The thread's own time. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** What is traced for it. */
export const CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline"];

const TASK = "RunTask";
const FRAME = "FireAnimationFrame";
/** Everything that runs a page's script, its collection of garbage included. */
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

/** What the main thread of the busiest page did, by a trace of Chromium's, in the order of time. */
export class MainThread {
  readonly tasks: readonly Piece[];
  /** When script ran; what is called from script is part of it. */
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

/** Those that begin in a stretch of time. */
export function between(pieces: readonly Piece[], from: number, to: number): Piece[] {
  return pieces.filter((piece) => piece.from >= from && piece.from < to);
}

/** How long they took, in milliseconds. */
export function took(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { from, to }) => sum + to - from, 0) / 1000;
}

/** How long the processor worked on them, in milliseconds. */
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
