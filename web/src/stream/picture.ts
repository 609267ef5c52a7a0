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

/** Where the picture stands after an event: between two complete ones, or complete, so that it may be shown. */
export type Progress = "between" | "complete";

/**
 * What a client of `/api/v1/stream` holds. Give it the events in their order; it is complete, and may be shown, whenever
 * `apply` says so.
 */
export class Picture {
  /** The server's run that the numbers are of. */
  epoch: string | undefined;
  /** The update that was completed last. */
  seq: number | undefined;
  /** How old it is: the newest time at which the source answered, Unix seconds. */
  observedAt: number | undefined;
  /** When the server made the last event, Unix milliseconds by its clock. */
  sentAt: number | undefined;
  /** Who squawks an emergency, in the whole world, the newest first; another array after each change. */
  alerts: readonly Alert[] = [];
  private readonly held = new Map<number, Held>();

  /** How many aircraft are held, those around the scope included. */
  get size(): number {
    return this.held.size;
  }

  /** The aircraft of a scope. They are changed in place by later events. */
  *aircraft(scope: Scope = {}): Generator<StateVector, void> {
    for (const { state } of this.held.values()) if (isInScope(state, scope)) yield state;
  }

  /**
   * Takes in one event.
   *
   * @throws ProtocolError when it does not fit what is held: connect again without an id.
   */
  apply(event: string, data: string): Progress {
    if (!EVENTS.has(event)) return "between";
    let parsed: unknown;
    try {
      parsed = JSON.parse(data);
    } catch {
      throw new ProtocolError(`${event}: no JSON`);
    }
    const body = object(parsed, event);
    const epoch = text(body["epoch"], "epoch");
    const seq = integer(body["seq"], "seq");
    if (event === "snapshot") this.snapshot(body, epoch);
    else if (epoch !== this.epoch) throw new ProtocolError("the server was started anew");
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
        if (held === undefined) throw new ProtocolError(`changed: nothing is held as ${number}`);
        return held.state;
      });
      writeColumns(table, states, base);
    }
  }

  private current(body: Json, seq: number): void {
    const { after, cells } = body;
    if (after !== null && after !== this.seq) throw new ProtocolError("an update was missed");
    if (Array.isArray(cells)) {
      const names = new Set<unknown>(cells);
      for (const [number, held] of this.held) if (!names.has(held.cell)) this.held.delete(number);
    }
    this.seq = seq;
  }
}
