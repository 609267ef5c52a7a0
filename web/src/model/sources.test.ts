import { expect, test } from "vitest";

import type { ServerStatus, SourceStatus } from "../api/types.ts";
import { credits, facts, listed, providers, sourceLines } from "./sources.ts";

const NOW = 1_795_472_400;
const OPENSKY: SourceStatus = {
  name: "opensky",
  kind: "opensky",
  state: "live",
  since: NOW - 600,
  reason: null,
  response_time: NOW - 10,
  next_poll_at: NOW + 5,
  credits_left: 3000,
  last_answer: { at: NOW - 10, states: 9812 },
  last_states_at: NOW - 10,
  aircraft: 9800,
};
const ROOF: SourceStatus = {
  ...OPENSKY,
  name: "roof",
  kind: "readsb",
  state: "unavailable",
  reason: "timed out",
  credits_left: null,
  next_poll_at: null,
  last_answer: { at: NOW - 120, states: 31 },
  aircraft: 12,
};

const status = (...sources: SourceStatus[]): ServerStatus => ({
  demonstration: false,
  traffic: "live",
  recorded_at: null,
  source: sources[0] ?? null,
  sources,
  aircraft_table: null,
  rules: null,
});

test("the facts of a single source include its latest answer and the latest one with aircraft", () => {
  expect(facts(status(OPENSKY), 200, NOW)).toEqual([
    expect.stringMatching(/^Next update due at \d\d:\d\d:\d\d UTC\.$/),
    "OpenSky last answered 10 s ago, with 9,812 aircraft.",
    "OpenSky credits left today: 3,000.",
    "Delivery delay of the latest event: 0.2 s.",
  ]);
  const empty = { ...OPENSKY, last_answer: { at: NOW - 10, states: 0 }, last_states_at: NOW - 720, next_poll_at: null };
  expect(facts(status(empty), undefined, NOW)).toEqual([
    "OpenSky last answered 10 s ago, with no aircraft.",
    expect.stringMatching(/^It last reported aircraft at \d\d:\d\d:\d\d UTC, 12 min ago\.$/),
    "OpenSky credits left today: 3,000.",
  ]);
  expect(facts(status(ROOF), undefined, NOW)).toEqual(["roof last answered 2 min ago, with 31 aircraft."]);
  expect([facts(undefined, undefined, NOW), sourceLines(undefined, NOW)]).toEqual([[], []]);
});

test("several sources have a line each, with their state, last answer, aircraft and next poll", () => {
  expect(sourceLines(status(OPENSKY), NOW)).toEqual([]);
  const [openSky, roof] = sourceLines(status(OPENSKY, ROOF), NOW);
  expect(openSky).toMatchObject({ name: "OpenSky", tone: "good", aircraft: "9,800 aircraft" });
  expect(openSky?.notes.join()).toMatch(/^Live,last answer 10 s ago,next poll at \d\d:\d\d:\d\d UTC$/);
  const due = { ...OPENSKY, next_poll_at: NOW - 1 };
  expect(sourceLines(status(due, ROOF), NOW)[0]?.notes.at(-1)).toBe("next poll due");
  // The number of aircraft of a source that does not answer is not current.
  expect(roof).toMatchObject({ name: "roof", tone: "bad", aircraft: "" });
  expect(roof?.notes.join("; ")).toMatch(/^Unreachable since .* UTC; last answer 2 min ago, with 31 aircraft$/);
  expect(facts(status(OPENSKY, ROOF), undefined, NOW)).toEqual(["OpenSky credits left today: 3,000."]);
});

test.each<[SourceStatus["state"], string, RegExp]>([
  ["not_yet_asked", "waiting", /^Not polled yet$/],
  ["quiet", "waiting", /^No aircraft reported; no answer yet$/],
  ["stale", "bad", /^Stale data since \d\d:\d\d:\d\d UTC; no answer yet$/],
  ["rate_limited", "bad", /^Rate limited since .*; no answer yet$/],
  ["refused", "bad", /^Access denied since .*; no answer yet$/],
  ["malformed", "bad", /^Unreadable data since .*; no answer yet$/],
  ["paused", "waiting", /^Paused since /],
])("the line of a source that is %s", (state, tone, notes) => {
  const other = { ...ROOF, state, last_answer: null };
  const line = sourceLines(status(OPENSKY, other), NOW)[1];
  expect(line?.tone).toBe(tone);
  expect(line?.notes.join("; ")).toMatch(notes);
});

test("credits are those of the sources that have some", () => {
  expect(credits(status(ROOF, OPENSKY))).toEqual([{ name: "OpenSky", left: 3000 }]);
  expect([credits(status(ROOF)), credits(undefined)]).toEqual([[], []]);
});

test("names are listed", () => {
  expect([listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])]).toEqual([
    "",
    "a",
    "a and b",
    "a, b and c",
  ]);
});

test("the OpenSky Network is attributed where it provides flights", () => {
  const names = (...sources: (string | null)[]): string[] => providers(new Set(sources)).map(({ name }) => name);
  expect(names("roof", "opensky", "opensky-own")).toEqual(["The OpenSky Network", "roof"]);
  expect(names(null, "roof", "feed")).toEqual(["The OpenSky Network", "feed", "roof"]);
  expect([names("roof"), names()]).toEqual([["roof"], []]);
});
