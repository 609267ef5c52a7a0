import { createServer, request } from "node:http";
import type { Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { EventParser } from "../src/stream/sse.ts";
import type { StateVector } from "../src/stream/state.ts";
import { readTable } from "../src/stream/table.ts";

/** Seconds between two polls of the source. */
const POLL = 5;
const METRES_PER_DEGREE = 111_320;

/**
 * A proxy of a server with a stream whose updates are sent on demand: after the server's snapshot each update moves every
 * aircraft by five seconds, encoded as in `docs/stream.md`.
 */
export class FastStream {
  private body: ServerResponse | undefined;
  private epoch = "";
  private seq = 0;
  private cell = "";
  private observedAt = 0;
  private aircraft = new Map<number, StateVector>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async before(upstream: string): Promise<FastStream> {
    const server = createServer((asked, answer) => {
      const address = new URL(asked.url ?? "/", upstream);
      if (address.pathname === "/api/v1/stream") {
        void stream.begin(address, answer);
        return;
      }
      const passed = request(address, { method: asked.method ?? "GET", headers: asked.headers }, (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
      });
      passed.on("error", () => answer.destroy());
      asked.pipe(passed);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const stream: FastStream = new FastStream(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return stream;
  }

  /** Whether a page has received its snapshot. */
  get hasBegun(): boolean {
    return this.body !== undefined;
  }

  /** Forwards the snapshot, and keeps it. */
  private async begin(address: URL, answer: ServerResponse): Promise<void> {
    const asking = new AbortController();
    const { body } = await fetch(address, { signal: asking.signal });
    answer.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    const [parser, decoder] = [new EventParser(), new TextDecoder()];
    const reader = body?.getReader();
    for (;;) {
      const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
      if (done) return;
      for (const { event, data, lastEventId } of parser.push(decoder.decode(value, { stream: true }))) {
        send(answer, event, data, event === "current" ? lastEventId : undefined);
        const { epoch, seq, cell, base, observed_at, aircraft } = JSON.parse(data) as Snapshot;
        [this.epoch, this.seq, this.observedAt] = [epoch, seq, observed_at];
        if (event === "snapshot") [this.cell, this.aircraft] = [cell, readTable(aircraft, base)];
        if (event !== "current") continue;
        this.body = answer;
        asking.abort();
        return;
      }
    }
  }

  /** Sends the next update: every aircraft has a new position and contact. */
  update(): void {
    if (this.body === undefined) throw new Error("no page has requested the stream");
    const after = this.seq;
    this.seq += 1;
    this.observedAt += POLL;
    for (const state of this.aircraft.values()) move(state, this.observedAt);
    const numbers = [...this.aircraft.keys()].sort((one, other) => one - other);
    const states = numbers.flatMap((number) => this.aircraft.get(number) ?? []);
    const scaled = (field: "lat" | "lon" | "baro_altitude" | "velocity" | "true_track", scale: number) =>
      states.map(({ [field]: value }) => (value === null ? null : Math.round(value * scale)));
    const head = { epoch: this.epoch, seq: this.seq, observed_at: this.observedAt, sent_at: Date.now() };
    const changed = {
      n: numbers.map((number, index) => number - (numbers[index - 1] ?? 0)),
      lat: scaled("lat", 10_000),
      lon: scaled("lon", 10_000),
      baro_altitude: scaled("baro_altitude", 1),
      velocity: scaled("velocity", 10),
      true_track: scaled("true_track", 10),
      last_contact: 0,
      time_position: states.map(({ time_position }) => (time_position === null ? null : 0)),
      observed_at: 0,
    };
    send(this.body, "delta", JSON.stringify({ ...head, cell: this.cell, base: this.observedAt, changed }));
    send(this.body, "current", JSON.stringify({ ...head, after }), `${this.epoch}-${this.seq}-${this.cell}`);
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

interface Snapshot {
  readonly epoch: string;
  readonly seq: number;
  readonly cell: string;
  readonly base: number;
  readonly observed_at: number;
  readonly aircraft: Readonly<Record<string, unknown>>;
}

function send(answer: ServerResponse, event: string, data: string, id?: string): void {
  answer.write(`event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}data: ${data}\n\n`);
}

/** Moves an aircraft straight on by its speed, which varies a little. */
function move(state: StateVector, now: number): void {
  const { lat, lon, velocity, true_track } = state;
  state.last_contact = now;
  if (lat === null || lon === null) return;
  state.time_position = now;
  const track = ((true_track ?? 0) * Math.PI) / 180;
  const degrees = ((velocity ?? 0) * POLL) / METRES_PER_DEGREE;
  state.lat = Math.max(-85, Math.min(85, lat + Math.cos(track) * degrees));
  const east = lon + (Math.sin(track) * degrees) / Math.cos((lat * Math.PI) / 180);
  state.lon = ((((east + 180) % 360) + 360) % 360) - 180;
  if (velocity !== null) state.velocity = Math.max(0, velocity + (now % 2 === 0 ? 0.1 : -0.1));
  if (true_track !== null) state.true_track = (true_track + 0.1) % 360;
}
