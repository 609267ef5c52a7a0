// The trail of an aircraft, of a history that is held in an array, and of a sky of which the time is set by hand.

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { StateVector } from "../stream/index.ts";
import type { Track } from "./track.ts";
import { Trail } from "./trail.ts";

const NOW = 1_795_000_000;
const MINUTE = 60;

/** What is stored, ordered by time. */
let stored: StateVector[] = [];
let asked: URL[] = [];
/** What the next questions are answered with, in place of what is stored. */
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
    asked.push(url);
    return failures.shift()?.() ?? Promise.resolve(answer(url));
  });
  [stored, asked, failures, shown, now, newest] = [[], [], [], [], NOW, undefined];
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

/** Stores a place every ten seconds. */
function store(from: number, to: number): void {
  for (let at = from; at < to; at += 10) stored.push(state(at));
}

/** The aircraft is heard of. */
async function hear(at: number): Promise<void> {
  now = Math.max(now, at);
  newest = state(at);
  trail.extend(newest);
  await vi.advanceTimersByTimeAsync(100);
}

/** When it was where it is shown, seconds from `NOW`. */
function times(): number[] | string {
  const last = shown.at(-1) ?? [];
  return typeof last === "string" ? last : last.map(({ time }) => time - NOW);
}

async function select(at: number): Promise<void> {
  now = at;
  trail.select("a");
  await vi.advanceTimersByTimeAsync(100);
}

test("what is heard follows what is stored", async () => {
  store(NOW - 30, NOW);
  await select(NOW);
  expect(times()).toEqual([-30, -20, -10]);
  await hear(NOW + 5);
  await hear(NOW + 5);
  await hear(NOW + 15);
  expect(times()).toEqual([-30, -20, -10, 5, 15]);
  expect(asked).toHaveLength(1);
  trail.select(undefined);
  await hear(NOW + 25);
  expect([trail.shown, asked.length]).toEqual([[], 1]);
});

test("what is heard while the stored is asked for stands at its end", async () => {
  store(NOW - 30, NOW);
  trail.select("a");
  await hear(NOW + 5);
  expect(shown.slice(0, -1).every((each) => each.length === 0 || typeof each === "string")).toBe(true);
  expect(times()).toEqual([-30, -20, -10, 5]);
});

test("after a gap what is stored of it is shown, and no line across it", async () => {
  store(NOW - 30, NOW);
  await select(NOW);
  store(NOW, NOW + 5 * MINUTE);
  await hear(NOW + 5 * MINUTE);
  expect(times()).toEqual([...Array(34).keys()].map((i) => (i - 3) * 10));
  expect(asked).toHaveLength(2);
  // While it was asked for, what was shown before stayed.
  expect(shown.filter((each) => typeof each === "string")).toHaveLength(1);
});

test("where nothing is stored of a gap it is asked for once, and bridged", async () => {
  store(NOW - 30, NOW);
  await select(NOW);
  await hear(NOW + 5 * MINUTE);
  await hear(NOW + 5 * MINUTE);
  expect([times(), asked.length]).toEqual([[-30, -20, -10, 5 * MINUTE], 2]);
});

test("two flights are not joined", async () => {
  store(NOW - 30, NOW);
  await select(NOW);
  await hear(NOW + 31 * MINUTE);
  await hear(NOW + 31 * MINUTE + 10);
  expect(times()).toEqual([31 * MINUTE, 31 * MINUTE + 10]);
});

test("at another moment it is another trail", async () => {
  store(NOW - 30, NOW + 10 * MINUTE);
  await select(NOW);
  await select(NOW + 30);
  expect(times()).toEqual([-30, -20, -10, 0, 10, 20]);
  await select(NOW - 15);
  expect(times()).toEqual([-30, -20]);
});

test("an answer that comes after the moment was left is not shown", async () => {
  store(NOW - 30, NOW);
  trail.select("a");
  now = NOW - 15;
  trail.select("a");
  await vi.advanceTimersByTimeAsync(100);
  expect(times()).toEqual([-30, -20]);
  expect(shown.filter((each) => typeof each !== "string" && each.length > 0)).toHaveLength(1);
});

test("who looks again sees what came meanwhile, and nothing is asked for while nobody looks", async () => {
  store(NOW - 30, NOW);
  trail.select("a");
  trail.rest();
  await vi.advanceTimersByTimeAsync(10 * MINUTE * 1000);
  expect(times()).toBe("Asking for what is stored …");
  store(NOW, NOW + 20);
  now = NOW + 20;
  trail.renew();
  await vi.advanceTimersByTimeAsync(100);
  expect([times(), asked.length]).toEqual([[-30, -20, -10, 0, 10], 2]);
});

const answered = (body: string, init: ResponseInit) => (): Promise<Response> =>
  Promise.resolve(new Response(body, init));

test.each<[string, () => Promise<Response>]>([
  ["a database that is away", answered("", { status: 503 })],
  ["a proxy that finds no server", answered("default backend", { status: 404 })],
  ["a network that is away", () => Promise.reject(new TypeError("Failed to fetch"))],
  ["an answer that is cut off", answered('{"states":[', {})],
])("what cannot be read is said for as long as it is so, and asked for again: %s", async (_, failure) => {
  store(NOW - 30, NOW);
  failures = [failure, failure];
  await select(NOW);
  for (let at = NOW + 3; at < NOW + 18; at += 3) {
    await hear(at);
    await vi.advanceTimersByTimeAsync(2_900);
    expect(times()).toBe("The history cannot be read at the moment.");
  }
  expect(asked).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(10_000);
  expect([times(), asked.length]).toEqual([[-30, -20, -10, 15], 3]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(3);
});

test.each<[string, () => void]>([
  [
    "nobody is selected any more",
    () => {
      trail.select(undefined);
    },
  ],
  [
    "nobody looks",
    () => {
      trail.rest();
    },
  ],
])("what cannot be read is not asked for again when %s", async (_, leave) => {
  failures = [answered("", { status: 503 })];
  await select(NOW);
  leave();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(1);
});

test("of a server that stores nothing it is said until there is a line of what is heard", async () => {
  const headers = { "Content-Type": "application/problem+json" };
  failures = [answered("{}", { status: 404, headers })];
  await select(NOW);
  expect(times()).toBe("This server stores nothing.");
  await hear(NOW + 5);
  expect(times()).toBe("This server stores nothing.");
  await hear(NOW + 10);
  expect([times(), asked.length]).toEqual([[5, 10], 1]);
});
