// A replay without a page: the clock is set by hand, the history is an array.

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { RecordedState, SourceStatus } from "../api/types.ts";
import type { Alert } from "../stream/index.ts";
import type { Player } from "./player.ts";
import { Replay } from "./replay.ts";

const NOW = 1_795_000_000;
const MINUTE = 60;
const HOUR = 3600;

/** The stored states, ordered by time. A state with an `observed_at` is stored from then on. */
let stored: RecordedState[] = [];
let requests: URL[] = [];
/** How many requests are refused first, as by a busy server. */
let refusals = 0;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW * 1000 });
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("document", { baseURI: "http://server/" });
  vi.stubGlobal("fetch", (address: string, { signal }: RequestInit) => {
    const url = new URL(address, "http://server");
    requests.push(url);
    if (refusals > 0) {
      refusals -= 1;
      return Promise.resolve(new Response("busy", { status: 503, headers: { "Retry-After": "5" } }));
    }
    return signal?.aborted === true ? Promise.reject(new Error("aborted")) : Promise.resolve(answer(url));
  });
  [stored, requests, refusals] = [[], [], 0];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function answer(url: URL): Response {
  const [from, to] = ["from", "to"].map((name) => Number(url.searchParams.get(name) ?? Infinity)) as [number, number];
  const rows = stored
    .filter(({ last_contact }) => last_contact >= from && last_contact < to)
    .filter(({ observed_at }) => (observed_at ?? 0) <= Date.now() / 1000);
  if (url.pathname === "/api/v1/history") {
    const hasAlerts = url.searchParams.get("alerts") === "true";
    return new Response(rows.map(({ alerts, ...row }) => lineOf(hasAlerts ? { ...row, alerts } : row)).join(""));
  }
  const hours = new Set(rows.map(({ last_contact }) => last_contact - (last_contact % HOUR)));
  return Response.json({ rows: [...hours].map((hour) => ({ hour, states: 1, aircraft: 1 })) });
}

const lineOf = (row: object): string => `${JSON.stringify(row)}\n`;

const state = (icao24: string, fields: Partial<RecordedState>): RecordedState =>
  ({ icao24, squawk: null, alerts: [], ...fields }) as unknown as RecordedState;

/** Stores a state of one aircraft every ten seconds. */
function store(icao24: string, from: number, to: number): void {
  for (let at = from; at < to; at += 10) stored.push(state(icao24, { last_contact: at }));
  stored.sort((one, other) => one.last_contact - other.last_contact);
}

/** A replay, its events, and the aircraft that it shows. */
function begun(source?: Partial<SourceStatus> | Partial<SourceStatus>[]): {
  replay: Replay;
  events: string[];
  moments: { aircraft: number; isLoading: boolean }[];
  seen: () => string[];
  alerts: () => Alert[];
  player: () => Player;
} {
  const events: string[] = [];
  const moments: { aircraft: number; isLoading: boolean }[] = [];
  let seen: string[] = [];
  let shownAlerts: Alert[] = [];
  let shown: Player | undefined;
  const replay = new Replay({
    onPlayer: (player) => {
      shown = player;
      events.push(player === undefined ? "no player" : "player");
    },
    onStep: () => undefined,
    onBegin: () => events.push("begin"),
    onMoment: (states, alerts) => {
      shownAlerts = alerts;
      seen = states.map(({ icao24 }) => icao24).sort();
      moments.push({ aircraft: states.length, isLoading: replay.isLoading });
    },
    onJump: () => events.push(`jump${seen.length === 0 ? "" : " with the previous states"}`),
    onEnd: () => events.push("end"),
  });
  const sources = [source ?? []]
    .flat()
    .map((one) => ({ state: "live", response_time: null, next_poll_at: null, ...one }));
  replay.begin(undefined, sources as unknown as SourceStatus[]);
  const player = (): Player => {
    if (shown === undefined) throw new Error("there is no player");
    return shown;
  };
  return { replay, events, moments, seen: () => seen, alerts: () => shownAlerts, player };
}

const ago = ({ at }: Replay): number => Math.round(Date.now() / 1000 - (at ?? Infinity));

test("a replay begins a quarter of an hour ago", async () => {
  store("a", NOW - HOUR, NOW);
  const { replay, events, seen } = begun();
  expect([replay.isOn, events, ago(replay)]).toEqual([true, ["player", "begin"], 15 * MINUTE]);
  await vi.advanceTimersByTimeAsync(10_000);
  // It plays ten times as fast as real time.
  expect(ago(replay)).toBeGreaterThan(15 * MINUTE - 95);
  expect(ago(replay)).toBeLessThan(15 * MINUTE - 80);
  expect(seen()).toEqual(["a"]);
});

test("a replay begins on a busy server once that accepts requests", async () => {
  store("a", NOW - HOUR, NOW);
  refusals = 2;
  const { replay, seen, player } = begun();
  await vi.advanceTimersByTimeAsync(4_000);
  expect([player().state.kind, seen(), requests.length]).toEqual(["loading", [], 2]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect([player().state.kind, seen()]).toEqual(["playing", ["a"]]);
  replay.end();
});

test("a moment without traffic is reported once it has loaded, however long that takes", async () => {
  store("a", NOW - 5 * MINUTE, NOW);
  const { replay, moments } = begun();
  replay.pause();
  await vi.advanceTimersByTimeAsync(1_000);
  refusals = 1;
  replay.seek(NOW - 50 * MINUTE);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(moments.at(-1)).toEqual({ aircraft: 0, isLoading: false });
});

test.each([
  ["the first one after", NOW - 5 * MINUTE, NOW, NOW - 5 * MINUTE],
  ["the latest hour before", NOW - 50 * HOUR, NOW - 30 * HOUR, NOW - 31 * HOUR],
])("a replay begins at the nearest recording: %s", async (_, from, to, expected) => {
  store("a", from, to);
  const { replay, events, seen } = begun();
  replay.pause();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(replay.at).toBeGreaterThanOrEqual(expected);
  expect(replay.at).toBeLessThan(expected + HOUR);
  expect(seen()).toEqual(["a"]);
  expect(events).toEqual(["player", "begin", "jump", "player"]);
});

test("a replay begins at the first response, whose aircraft may have been silent for minutes", async () => {
  store("silent", NOW - 9 * MINUTE, NOW - 8 * MINUTE);
  store("a", NOW - 5 * MINUTE, NOW);
  for (const state of stored) state.observed_at = Math.max(state.last_contact, NOW - 5 * MINUTE);
  const { replay, seen } = begun();
  replay.pause();
  await vi.advanceTimersByTimeAsync(1_000);
  expect([replay.at, seen()]).toEqual([NOW - 5 * MINUTE, ["a", "silent"]]);
});

test("an alert in a replay begins with its first state, even one between two steps", async () => {
  store("a", NOW - HOUR, NOW);
  const begin = stored.findIndex(({ last_contact }) => last_contact > NOW - 17 * MINUTE);
  const since = stored[begin]?.last_contact;
  stored = stored.map((each, index) =>
    index < begin ? each : { ...each, alerts: [{ rule: "emergency-squawk", meaning: "radio failure" }] },
  );
  const { replay, alerts } = begun();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(alerts().map((each) => [each.icao24, each.meaning, each.since])).toEqual([["a", "radio failure", since]]);
  replay.seek(NOW - 30 * MINUTE);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(alerts()).toEqual([]);
});

test("a jump is reported once the states of the previous moment are gone", async () => {
  store("a", NOW - HOUR, NOW);
  const { replay, events, seen } = begun();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen()).toEqual(["a"]);
  replay.seek(NOW - 40 * MINUTE);
  replay.seek(NOW - 5 * MINUTE);
  expect([events, seen()]).toEqual([["player", "begin", "jump", "jump"], []]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen()).toEqual(["a"]);
});

test("a moment that the user chooses during the search for a recording stays", async () => {
  store("a", NOW - 5 * MINUTE, NOW);
  const { replay, seen } = begun();
  replay.pause();
  replay.seek(NOW - 40 * MINUTE);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([replay.at, seen()]).toEqual([NOW - 40 * MINUTE, []]);
});

test("after its end a replay reports and requests nothing", async () => {
  store("a", NOW - 5 * MINUTE, NOW);
  const { replay, events, seen } = begun();
  replay.end();
  replay.end();
  const questions = requests.length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect([replay.isOn, replay.at, seen()]).toEqual([false, undefined, []]);
  expect(events).toEqual(["player", "begin", "no player", "end"]);
  expect(requests.length).toBe(questions);
});

test.each([
  ["five minutes, if the source is unknown", {}, ["new"]],
  ["two poll intervals", { response_time: NOW - 100, next_poll_at: NOW + 300 }, ["new", "old"]],
  ["an hour at most", { response_time: NOW, next_poll_at: NOW + 9 * HOUR }, ["new", "old"]],
])("a silent aircraft stays for %s", async (_, source, expected) => {
  store("ancient", NOW - 80 * MINUTE, NOW - 79 * MINUTE);
  store("old", NOW - 26 * MINUTE, NOW - 25 * MINUTE);
  store("new", NOW - 18 * MINUTE, NOW);
  const { replay, seen } = begun(source);
  replay.pause();
  replay.seek(NOW - 15 * MINUTE);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen()).toEqual(expected);
});

/** Stores the states of a source that is polled once a minute. */
function polled(icao24: string, from: number, to: number): Partial<SourceStatus> {
  for (let at = from; at < to; at += MINUTE) {
    stored.push(state(icao24, { last_contact: at - 5, observed_at: at + 5 }));
  }
  stored.sort((one, other) => one.last_contact - other.last_contact);
  return { response_time: NOW - 30, next_poll_at: NOW + 30 };
}

test("a replay stops at the end of the recording, and requests nothing more", async () => {
  const { replay, seen, player } = begun(polled("a", NOW - HOUR, NOW + 3 * HOUR));
  player().speed = 60;
  await vi.advanceTimersByTimeAsync(MINUTE * 1000);
  expect(player().state.kind).toBe("ended");
  expect(player().isPlaying).toBe(false);
  expect([ago(replay) < 3 * MINUTE, seen()]).toEqual([true, ["a"]]);
  const [questions, at] = [requests.length, replay.at];
  await vi.advanceTimersByTimeAsync(HOUR * 1000);
  expect([requests.length, replay.at, seen()]).toEqual([questions, at, ["a"]]);
});

test("Play continues from the end, with everything that was stored since", async () => {
  const { replay, seen, player } = begun(polled("a", NOW - HOUR, NOW + 3 * HOUR));
  // Nothing of the last minute is stored yet.
  replay.seek(NOW - 1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([replay.at, player().state.kind, seen()]).toEqual([NOW - 1, "ended", ["a"]]);
  store("late", NOW - 50, NOW - 10);
  await vi.advanceTimersByTimeAsync(HOUR * 1000);
  expect(seen()).toEqual(["a"]);
  player().play(true);
  await vi.advanceTimersByTimeAsync(10_000);
  expect([player().state.kind, seen()]).toEqual(["playing", ["a", "late"]]);
  expect(replay.at).toBeGreaterThan(NOW + 60);
});

test("at real-time speed it plays on, with a few requests per minute", async () => {
  const { replay, seen, player } = begun(polled("a", NOW - HOUR, NOW + 3 * HOUR));
  player().speed = 1;
  replay.seek(NOW - 2 * MINUTE);
  await vi.advanceTimersByTimeAsync(1_000);
  const questions = requests.length;
  await vi.advanceTimersByTimeAsync(10 * MINUTE * 1000);
  expect([player().state.kind, ago(replay) < 130, seen()]).toEqual(["playing", true, ["a"]]);
  expect(requests.length - questions).toBeLessThan(100);
});

test("a long poll interval begins the replay further back", async () => {
  store("a", NOW - HOUR, NOW);
  const { replay, player } = begun({ response_time: NOW - 400, next_poll_at: NOW + 500 });
  await vi.advanceTimersByTimeAsync(1_000);
  expect([ago(replay) > 25 * MINUTE, player().state.kind]).toEqual([true, "playing"]);
});

test("of several sources, the fastest decides where a replay ends, and the slowest how long aircraft stay", async () => {
  store("a", NOW - HOUR, NOW);
  store("silent", NOW - 26 * MINUTE, NOW - 25 * MINUTE);
  const openSky = { response_time: NOW - 100, next_poll_at: NOW + 300 };
  const dead = { state: "unavailable", response_time: NOW - 9 * HOUR, next_poll_at: NOW + 5 } as const;
  const { replay, seen } = begun([openSky, { response_time: NOW - 1, next_poll_at: NOW }, dead]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ago(replay)).toBeLessThanOrEqual(15 * MINUTE);
  replay.pause();
  replay.seek(NOW - 15 * MINUTE);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen()).toEqual(["a", "silent"]);
});

test("another box is requested at the same moment", async () => {
  store("a", NOW - HOUR, NOW);
  const { replay } = begun();
  replay.pause();
  await vi.advanceTimersByTimeAsync(1_000);
  const at = replay.at;
  replay.setBox({ south: 45, west: 5, north: 50, east: 10 });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(replay.at).toBe(at);
  expect(requests.at(-1)?.searchParams.get("bbox")).toBe("45,5,50,10");
});
