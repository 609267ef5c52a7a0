import { beforeEach, expect, test } from "vitest";

import { StreamClient } from "./client.ts";
import type { ConnectionState, Platform } from "./connection.ts";
import type { Scope } from "./state.ts";

/** One request of the client, answered by hand. */
class Request {
  private controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly response: Response;
  readonly address: URL;

  constructor(
    address: string,
    readonly signal: AbortSignal,
  ) {
    this.address = new URL(address);
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.controller = controller;
        signal.addEventListener("abort", () => {
          controller.error(signal.reason);
        });
      },
    });
    this.response = new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  }

  send(text: string): void {
    this.controller?.enqueue(new TextEncoder().encode(text));
  }

  end(): void {
    this.controller?.close();
  }
}

/** A platform whose time passes on demand. */
class World {
  time = 1_000_000;
  requests: Request[] = [];
  /** The answers to the next requests, in place of a stream. */
  answers: (Response | Error)[] = [];
  states: ConnectionState[] = [];
  shown: { icao24: string[]; scope: Scope }[] = [];
  alerts: string[][] = [];
  private timers: { at: number; action: () => void }[] = [];

  readonly platform: Platform = {
    fetch: (url, init) => {
      const request = new Request(url, init.signal as AbortSignal);
      this.requests.push(request);
      const answer = this.answers.shift();
      if (answer instanceof Error) return Promise.reject(answer);
      return Promise.resolve(answer ?? request.response);
    },
    now: () => this.time,
    random: () => 0.5,
    after: (milliseconds, action) => {
      const timer = { at: this.time + milliseconds, action };
      this.timers.push(timer);
      return () => {
        this.timers = this.timers.filter((each) => each !== timer);
      };
    },
  };

  client(scope: Scope = {}): StreamClient {
    const client = new StreamClient({
      url: "http://server/api/v1/stream",
      scope,
      onPicture: (picture, of) => {
        this.shown.push({ icao24: [...picture.aircraft(of)].map(({ icao24 }) => icao24), scope: of });
      },
      onAlerts: (alerts) => {
        this.alerts.push(alerts.map(({ icao24, squawk, state }) => `${icao24} ${squawk} ${state.lat ?? "?"}`));
      },
      onState: (state) => {
        this.states.push(state);
      },
      platform: this.platform,
    });
    client.start();
    return client;
  }

  /** Lets time pass, and runs everything that waits for it. */
  async pass(milliseconds = 0): Promise<void> {
    const end = this.time + milliseconds;
    for (;;) {
      // Streams and promises need several turns to pass a piece on.
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      const next = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((each) => each !== next);
      this.time = next.at;
      next.action();
    }
    this.time = end;
  }

  get newest(): Request {
    const request = this.requests.at(-1);
    if (request === undefined) throw new Error("no request was sent");
    return request;
  }
}

const head = (seq: number, epoch = "e"): object => ({ epoch, seq, observed_at: 1000, sent_at: 999_700, base: 1000 });
const event = (name: string, body: object, id?: string): string =>
  `event: ${name}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(body)}\n\n`;
const table = (...icao24: string[]): object => ({
  n: icao24.map((_, i) => (i === 0 ? 0 : 1)),
  icao24,
  last_contact: 0,
});
const snapshot = (seq: number, ...icao24: string[]): string =>
  event("snapshot", { ...head(seq), cell: "world", aircraft: table(...icao24) }) +
  event("current", { ...head(seq), after: null, cells: ["world"] }, `e-${seq}-world`);
const alert = (seq: number, ...icao24: string[]): string => {
  const alertOf = (of: string): object => ({
    icao24: of,
    squawk: "7700",
    meaning: "emergency",
    since: 990,
    state: { icao24: of, lat: 47.5 },
    rule: "emergency-squawk",
    ended: null,
    detail: "emergency",
  });
  return event("alert", { ...head(seq), total: icao24.length, alerts: icao24.map(alertOf) });
};
const update = (seq: number, after: number, gone: number[] = []): string =>
  event("delta", { ...head(seq), cell: "world", gone }) + event("current", { ...head(seq), after }, `e-${seq}-world`);

const PROBLEM = { "Content-Type": "application/problem+json" };
const problem = (status: number, detail: string): Response => Response.json({ detail }, { status, headers: PROBLEM });

let world: World;
beforeEach(() => {
  world = new World();
});

test("shows the picture once it is complete, with its delivery delay", async () => {
  const client = world.client();
  await world.pass();
  const whole = snapshot(1, "aaaaaa");
  world.newest.send(whole.slice(0, 100));
  await world.pass();
  expect(world.shown).toEqual([]);
  world.newest.send(whole.slice(100));
  await world.pass();
  expect(world.shown).toEqual([{ icao24: ["aaaaaa"], scope: {} }]);
  expect(client.lag).toBe(300);
  expect(world.states.map(({ kind }) => kind)).toEqual(["connecting", "live", "live"]);
});

test("resumes with the last id, after the pause that the server asked for", async () => {
  world.client();
  await world.pass();
  world.newest.send(`retry: 2417\n\n${snapshot(1, "aaaaaa", "bbbbbb")}${update(2, 1, [1])}`);
  await world.pass();
  world.newest.send(event("delta", { ...head(3), cell: "world", gone: [0] }));
  world.newest.end();
  await world.pass();
  expect(world.states.at(-1)).toEqual({
    kind: "waiting",
    until: world.time + 2417,
    reason: "the server ended the stream",
  });
  await world.pass(2416);
  expect(world.requests).toHaveLength(1);
  await world.pass(1);
  expect(world.requests).toHaveLength(2);
  expect(world.newest.address.searchParams.get("last_event_id")).toBe("e-2-world");
  world.newest.send(update(3, 2, [0]));
  await world.pass();
  expect(world.shown.at(-1)?.icao24).toEqual([]);
});

test("starts over where a snapshot that skips ahead is interrupted", async () => {
  const named = (seq: number, id: string): string => event("current", { ...head(seq), after: seq - 1 }, id);
  const skipped = event("snapshot", { ...head(10), cell: "world", aircraft: { ...table("aaaaaa"), lat: 471_200 } });
  const closed = event("current", { ...head(10), after: null, cells: ["world"] }, "e-10-world");
  const latitudes: (number | null)[] = [];
  const client = new StreamClient({
    url: "http://server/api/v1/stream",
    onPicture: (picture) => latitudes.push(...[...picture.aircraft()].map(({ lat }) => lat)),
    platform: world.platform,
  });
  client.start();
  await world.pass();
  world.newest.send(snapshot(7, "aaaaaa") + named(8, "e-8-world"));
  world.newest.send(skipped);
  world.newest.end();
  await world.pass(5_000);
  // Deltas since 8 would apply their remainders to values of 10.
  expect(world.newest.address.searchParams.has("last_event_id")).toBe(false);
  world.newest.send(skipped);
  await world.pass();
  world.newest.send(closed);
  world.newest.end();
  await world.pass(5_000);
  expect(latitudes).toEqual([null, null, 47.12]);
  expect(world.newest.address.searchParams.get("last_event_id")).toBe("e-10-world");
});

test("starts over after a missed update", async () => {
  world.client();
  await world.pass();
  world.newest.send(snapshot(1, "aaaaaa") + update(3, 2));
  await world.pass(5_000);
  expect(world.requests).toHaveLength(2);
  expect(world.newest.address.search).toBe("");
  world.newest.send(snapshot(7, "cccccc"));
  await world.pass();
  expect(world.shown.at(-1)?.icao24).toEqual(["cccccc"]);
});

test("backs off from an unavailable server, up to a limit", async () => {
  world.answers = Array.from({ length: 9 }, () => new TypeError("fetch failed"));
  world.client();
  const pauses: number[] = [];
  for (let i = 0; i < 8; i += 1) {
    await world.pass();
    const state = world.states.at(-1);
    if (state?.kind !== "waiting") throw new Error(`expected waiting, got ${state?.kind}`);
    pauses.push(state.until - world.time);
    await world.pass(state.until - world.time);
  }
  expect(pauses).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000]);
});

test("reconnects to a full server, and behind a failing proxy", async () => {
  world.answers = [new Response("retry: 9000\n\n"), new Response("<html>", { status: 502 })];
  world.client();
  await world.pass();
  expect(world.states.at(-1)).toMatchObject({ kind: "waiting", until: world.time + 9_000 });
  await world.pass(9_000);
  expect(world.states.at(-1)).toMatchObject({ kind: "waiting", reason: "the server returned 502" });
  await world.pass(30_000);
  expect(world.requests).toHaveLength(3);
});

test.each<[string, Response]>([
  ["a proxy that finds no server", new Response("default backend - 404", { status: 404 })],
  ["a proxy's own JSON", Response.json({ detail: "no route" }, { status: 404 })],
  [
    "a proxy that asks for authentication",
    new Response("<html>", { status: 403, headers: { "Content-Type": "text/html" } }),
  ],
  ["a rate-limited server", problem(429, "too many connections")],
  ["a truncated problem document", new Response('{"det', { status: 400, headers: PROBLEM })],
])("%s is no refusal: reconnects", async (_, answer) => {
  world.answers = [answer];
  world.client();
  await world.pass();
  expect(world.states.at(-1)?.kind).toBe("waiting");
  await world.pass(2_000);
  world.newest.send(snapshot(1, "aaaaaa"));
  await world.pass();
  expect([world.requests.length, world.states.at(-1)?.kind]).toEqual([2, "live"]);
});

test("reports a refusal of the server, and does not retry", async () => {
  world.answers = [problem(400, "bbox: not a box")];
  world.client({ box: { south: 1, west: 2, north: 3, east: 4 } });
  await world.pass(100_000);
  expect(world.newest.address.searchParams.get("bbox")).toBe("1,2,3,4");
  expect(world.states.at(-1)).toEqual({ kind: "refused", reason: "bbox: not a box" });
  expect(world.requests).toHaveLength(1);
});

test("reconnects after 45 seconds without data", async () => {
  world.client();
  await world.pass();
  world.newest.send(snapshot(1, "aaaaaa"));
  await world.pass(44_000);
  world.newest.send(": heartbeat\n\n");
  await world.pass(44_000);
  expect(world.states.at(-1)?.kind).toBe("live");
  await world.pass(1_000);
  expect(world.states.at(-1)).toMatchObject({
    kind: "waiting",
    reason: "no data from the server for 45 seconds",
  });
  await world.pass(3_000);
  expect(world.newest.address.searchParams.get("last_event_id")).toBe("e-1-world");
});

test("keeps the old scope until the picture of the new one is complete", async () => {
  const [near, far]: Scope[] = [{ icao24: ["aaaaaa"] }, { icao24: ["bbbbbb"] }];
  const client = world.client(near);
  await world.pass();
  const first = world.newest;
  first.send(snapshot(1, "aaaaaa", "bbbbbb"));
  await world.pass();
  client.setScope(far ?? {});
  await world.pass();
  const second = world.newest;
  expect(second.address.searchParams.get("icao24")).toBe("bbbbbb");
  first.send(update(2, 1));
  await world.pass();
  expect(world.shown.map(({ icao24 }) => icao24)).toEqual([["aaaaaa"], ["aaaaaa"]]);
  second.send(snapshot(2, "aaaaaa", "bbbbbb"));
  await world.pass();
  expect(world.shown.at(-1)).toEqual({ icao24: ["bbbbbb"], scope: far });
  expect(first.signal.aborted).toBe(true);
  client.stop();
  expect(second.signal.aborted).toBe(true);
  await world.pass(100_000);
  expect(world.requests).toHaveLength(2);
});

test("reports alerts of the same aircraft and time that differ in their rule", async () => {
  world.client();
  await world.pass();
  world.newest.send(snapshot(1, "aaaaaa") + alert(2, "aaaaaa") + update(2, 1));
  world.newest.send(alert(3, "aaaaaa").replace("emergency-squawk", "low-flight") + update(3, 2));
  await world.pass();
  expect(world.alerts).toHaveLength(2);
});

test("reports alerts when they have changed, and at no other time", async () => {
  const client = world.client();
  await world.pass();
  const first = world.newest;
  first.send(snapshot(1, "aaaaaa").replace("event: current", `${alert(1)}event: current`));
  await world.pass();
  expect(world.alerts).toEqual([]);
  first.send(alert(2, "bbbbbb") + update(2, 1));
  await world.pass();
  first.send(update(3, 2));
  await world.pass();
  expect(world.alerts).toEqual([["bbbbbb 7700 47.5"]]);
  // The connection of another scope sends the same alerts.
  client.setScope({ icao24: ["aaaaaa"] });
  await world.pass();
  world.newest.send(snapshot(3, "aaaaaa").replace("event: current", `${alert(3, "bbbbbb")}event: current`));
  await world.pass();
  expect(world.alerts).toHaveLength(1);
  world.newest.send(alert(4, "cccccc", "bbbbbb") + update(4, 3));
  world.newest.send(alert(5) + update(5, 4));
  await world.pass();
  expect(world.alerts.slice(1)).toEqual([["cccccc 7700 47.5", "bbbbbb 7700 47.5"], []]);
  // An invalid alert event starts over.
  world.newest.send(event("alert", { ...head(6), alerts: {} }));
  await world.pass(5_000);
  expect(world.requests).toHaveLength(3);
  expect(world.newest.address.searchParams.has("last_event_id")).toBe(false);
});
