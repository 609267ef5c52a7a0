// The trail of an aircraft, with a history in an array and a time that is set by hand.

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { StateVector } from "../stream/index.ts";
import type { Track } from "./track.ts";
import { Trail } from "./trail.ts";

const NOW = 1_795_000_000;
const MINUTE = 60;

/** The stored states, ordered by time. */
let stored: StateVector[] = [];
let requests: URL[] = [];
/** The answers to the next requests, in place of the stored states. */
let failures: (() => Promise<Response>)[] = [];
let now = NOW;
let newest: StateVector | undefined;
let shown: (Track | string)[] = [];
let trail: Trail;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("document", { baseURI: "http://server/" });
  vi.stubGlobal("fetch", (address: string) => {
    const url = new URL(address, "http://server");
    requests.push(url);
    return failures.shift()?.() ?? Promise.resolve(answer(url));
  });
  [stored, requests, failures, shown, now, newest] = [[], [], [], [], NOW, undefined];
  const onChange = (each: Track | string): number => shown.push(each);
  trail = new Trail({ now: () => now, find: () => newest }, onChange);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function answer(url: URL): Response {
  const [from, to] = ["from", "to"].map((name) => Number(url.searchParams.get(name))) as [number, number];
  return Response.json({ states: stored.filter(({ last_contact: at }) => at >= from && at < to) });
}

const state = (at: number): StateVector =>
  ({ icao24: "a", lat: at / NOW, lon: 8, time_position: at, last_contact: at }) as StateVector;

/** Stores a position every ten seconds. */
function store(from: number, to: number): void {
  for (let at = from; at < to; at += 10) stored.push(state(at));
}

/** A live state arrives. */
async function hear(at: number): Promise<void> {
  now = Math.max(now, at);
  newest = state(at);
  trail.extend(newest);
  await vi.advanceTimersByTimeAsync(100);
}

/** The times of the shown positions, seconds from `NOW`. */
function times(): number[] | string {
  const last = shown.at(-1) ?? [];
  return typeof last === "string" ? last : last.map(({ time }) => time - NOW);
}

async function select(at: number): Promise<void> {
  now = at;
  trail.select("a");
  await vi.advanceTimersByTimeAsync(100);
}

test("live positions follow stored ones", async () => {
  store(NOW - 30, NOW);
  await select(NOW);
  expect(times()).toEqual([-30, -20, -10]);
  await hear(NOW + 5);
  await hear(NOW + 5);
  await hear(NOW + 15);
  expect(times()).toEqual([-30, -20, -10, 5, 15]);
  expect(requests).toHaveLength(1);
  trail.select(undefined);
  await hear(NOW + 25);
  expect([shown.at(-1), requests.length]).toEqual([[], 1]);
});

test("a live position that arrives during a request is at the end of the track", async () => {
  store(NOW - 30, NOW);
  trail.select("a");
  await hear(NOW + 5);
  expect(shown.slice(0, -1).every((each) => each.length === 0 || typeof each === "string")).toBe(true);
  expect(times()).toEqual([-30, -20, -10, 5]);
});

test("stored positions fill a gap, and no line crosses it", async () => {
  store(NOW - 30, NOW);
  await select(NOW);
  store(NOW, NOW + 5 * MINUTE);
  await hear(NOW + 5 * MINUTE);
  expect(times()).toEqual([...Array(34).keys()].map((i) => (i - 3) * 10));
  expect(requests).toHaveLength(2);
  // The previous track was shown during the request.
  expect(shown.filter((each) => typeof each === "string")).toHaveLength(1);
});

test("a gap without stored positions is requested once and bridged", async () => {
  store(NOW - 30, NOW);
  await select(NOW);
  await hear(NOW + 5 * MINUTE);
  await hear(NOW + 5 * MINUTE);
  expect([times(), requests.length]).toEqual([[-30, -20, -10, 5 * MINUTE], 2]);
});

test("two flights are not joined", async () => {
  store(NOW - 30, NOW);
  await select(NOW);
  await hear(NOW + 31 * MINUTE);
  await hear(NOW + 31 * MINUTE + 10);
  expect(times()).toEqual([31 * MINUTE, 31 * MINUTE + 10]);
});

test("another moment has another trail", async () => {
  store(NOW - 30, NOW + 10 * MINUTE);
  await select(NOW);
  await select(NOW + 30);
  expect(times()).toEqual([-30, -20, -10, 0, 10, 20]);
  await select(NOW - 15);
  expect(times()).toEqual([-30, -20]);
});

test("an answer for a moment that is no longer shown is ignored", async () => {
  store(NOW - 30, NOW);
  trail.select("a");
  now = NOW - 15;
  trail.select("a");
  await vi.advanceTimersByTimeAsync(100);
  expect(times()).toEqual([-30, -20]);
  expect(shown.filter((each) => typeof each !== "string" && each.length > 0)).toHaveLength(1);
});

test("a hidden tab requests nothing, and catches up when it is shown", async () => {
  store(NOW - 30, NOW);
  trail.select("a");
  trail.stop();
  await vi.advanceTimersByTimeAsync(10 * MINUTE * 1000);
  expect(times()).toBe("Loading history …");
  store(NOW, NOW + 20);
  now = NOW + 20;
  trail.reload();
  await vi.advanceTimersByTimeAsync(100);
  expect([times(), requests.length]).toEqual([[-30, -20, -10, 0, 10], 2]);
});

const answered = (body: string, init: ResponseInit) => (): Promise<Response> =>
  Promise.resolve(new Response(body, init));

test.each<[string, () => Promise<Response>]>([
  ["an unavailable database", answered("", { status: 503 })],
  ["a proxy that finds no server", answered("default backend", { status: 404 })],
  ["an unavailable network", () => Promise.reject(new TypeError("Failed to fetch"))],
  ["an answer that is cut off", answered('{"states":[', {})],
])("a failure is shown until a later request succeeds: %s", async (_, failure) => {
  store(NOW - 30, NOW);
  failures = [failure, failure];
  await select(NOW);
  for (let at = NOW + 3; at < NOW + 18; at += 3) {
    await hear(at);
    await vi.advanceTimersByTimeAsync(2_900);
    expect(times()).toBe("History is temporarily unavailable; retrying …");
  }
  expect(requests).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(10_000);
  expect([times(), requests.length]).toEqual([[-30, -20, -10, 15], 3]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(requests).toHaveLength(3);
});

test.each<[string, () => void]>([
  [
    "no aircraft is selected",
    () => {
      trail.select(undefined);
    },
  ],
  [
    "the tab is hidden",
    () => {
      trail.stop();
    },
  ],
])("a failed request is not repeated when %s", async (_, leave) => {
  failures = [answered("", { status: 503 })];
  await select(NOW);
  leave();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(requests).toHaveLength(1);
});

test("the lack of a history is shown until live positions make a line", async () => {
  const headers = { "Content-Type": "application/problem+json" };
  failures = [answered("{}", { status: 404, headers })];
  await select(NOW);
  expect(times()).toBe("This server keeps no history.");
  await hear(NOW + 5);
  expect(times()).toBe("This server keeps no history.");
  await hear(NOW + 10);
  expect([times(), requests.length]).toEqual([[5, 10], 1]);
});
