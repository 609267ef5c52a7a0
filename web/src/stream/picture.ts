import { readAlerts } from "./alert.ts";
import type { Alert } from "./alert.ts";
import { isInScope } from "./state.ts";
import type { Scope, StateVector } from "./state.ts";
import { ascending, integer, object, ProtocolError, readTable, text, writeColumns } from "./table.ts";
import type { Json } from "./table.ts";

interface Held {
  cell: string;
  readonly state: StateVector;
}

const EVENTS: ReadonlySet<string> = new Set(["snapshot", "delta", "alert", "current"]);

/** Whether the picture is complete after an event, so that it may be shown, or between two complete ones. */
export type Progress = "between" | "complete";

/**
 * The aircraft and alerts of a stream's scope. Apply the events in order; the picture may be shown whenever `apply` returns
 * `complete`.
 */
export class Picture {
  /** The run of the server that numbers the aircraft and the updates. */
  epoch: string | undefined;
  /** The latest complete update. */
  seq: number | undefined;
  /** The source's latest response time, Unix seconds: the age of the picture. */
  observedAt: number | undefined;
  /** When the server sent the latest event, Unix milliseconds of the server's clock. */
  sentAt: number | undefined;
  /** The active alerts, worldwide, newest first. A change replaces the array. */
  alerts: readonly Alert[] = [];
  private readonly held = new Map<number, Held>();

  /** The number of aircraft, including those around the scope. */
  get size(): number {
    return this.held.size;
  }

  /** The aircraft of a scope. Later events change them in place. */
  *aircraft(scope: Scope = {}): Generator<StateVector, void> {
    for (const { state } of this.held.values()) if (isInScope(state, scope)) yield state;
  }

  /**
   * Applies one event.
   *
   * @throws ProtocolError where the event does not fit: reconnect without an id
   */
  apply(event: string, data: string): Progress {
    if (!EVENTS.has(event)) return "between";
    let parsed: unknown;
    try {
      parsed = JSON.parse(data);
    } catch {
      throw new ProtocolError(`${event}: invalid JSON`);
    }
    const body = object(parsed, event);
    const epoch = text(body["epoch"], "epoch");
    const seq = integer(body["seq"], "seq");
    if (event === "snapshot") this.snapshot(body, epoch);
    else if (epoch !== this.epoch) throw new ProtocolError("the server has restarted");
    else if (event === "delta") this.delta(body);
    else if (event === "alert") this.alerts = readAlerts(body["alerts"]);
    else this.current(body, seq);
    const observedAt = body["observed_at"];
    if (typeof observedAt === "number") this.observedAt = observedAt;
    this.sentAt = integer(body["sent_at"], "sent_at");
    return event === "current" ? "complete" : "between";
  }

  private snapshot(body: Json, epoch: string): void {
    const cell = text(body["cell"], "cell");
    const aircraft = readTable(object(body["aircraft"], "aircraft"), integer(body["base"], "base"));
    if (epoch !== this.epoch) {
      this.held.clear();
      this.alerts = [];
    }
    this.epoch = epoch;
    for (const [number, held] of this.held) if (held.cell === cell) this.held.delete(number);
    for (const [number, state] of aircraft) this.held.set(number, { cell, state });
  }

  private delta(body: Json): void {
    const cell = text(body["cell"], "cell");
    const base = integer(body["base"], "base");
    if (body["gone"] !== undefined) {
      for (const number of ascending(body["gone"], "gone")) {
        if (this.held.get(number)?.cell === cell) this.held.delete(number);
      }
    }
    if (body["appeared"] !== undefined) {
      const appeared = readTable(object(body["appeared"], "appeared"), base);
      for (const [number, state] of appeared) this.held.set(number, { cell, state });
    }
    if (body["changed"] !== undefined) {
      const table = object(body["changed"], "changed");
      const states = ascending(table["n"], "n").map((number) => {
        const held = this.held.get(number);
        if (held === undefined) throw new ProtocolError(`changed: unknown aircraft number ${number}`);
        return held.state;
      });
      writeColumns(table, states, base);
    }
  }

  private current(body: Json, seq: number): void {
    const { after, cells } = body;
    if (after !== null && after !== this.seq) throw new ProtocolError("missed an update");
    if (Array.isArray(cells)) {
      const names = new Set<unknown>(cells);
      for (const [number, held] of this.held) if (!names.has(held.cell)) this.held.delete(number);
    }
    this.seq = seq;
  }
}
