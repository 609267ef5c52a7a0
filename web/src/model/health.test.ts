import { expect, test } from "vitest";

import type { ServerStatus, SourceStatus } from "../api/types.ts";
import { emptiness, facts, health } from "./health.ts";
import type { Health, HealthInputs } from "./health.ts";

const NOW = 1_795_472_400;
const source: SourceStatus = {
  state: "live",
  since: NOW - 600,
  reason: null,
  response_time: NOW - 5,
  next_poll_at: NOW + 5,
  credits_left: 3000,
  last_answer: null,
  last_states_at: null,
};
const status = (more: Partial<SourceStatus> = {}): ServerStatus => ({
  demonstration: false,
  traffic: "live",
  recorded_at: null,
  source: { ...source, ...more },
});
const inputs = (more: Partial<HealthInputs>): HealthInputs => ({
  connection: { kind: "live" },
  status: status(),
  observedAt: NOW - 5,
  now: NOW,
  ...more,
});

test.each<[string, Partial<HealthInputs>, Health["tone"], RegExp, RegExp]>([
  ["all is well", {}, "good", /^Live$/, /5 s old/],
  [
    "simulated",
    { status: { ...status(), demonstration: true, traffic: "simulated" } },
    "simulated",
    /^Demo$/,
    /^Simulated aircraft\./,
  ],
  [
    "recorded",
    { status: { ...status(), demonstration: true, traffic: "recorded", recorded_at: 1_766_930_709 } },
    "simulated",
    /^Recorded traffic of 28 Dec 2025$/,
    /played back .* 5 s old/,
  ],
  [
    "the server cannot be reached",
    { connection: { kind: "waiting", until: (NOW + 4) * 1000, reason: "fetch failed" } },
    "bad",
    /^Connection lost$/,
    /Fetch failed\. Trying again in 4 s\. Positions are 5 s old/,
  ],
  [
    "rate limited",
    { status: status({ state: "rate_limited" }) },
    "bad",
    /^Rate limited until \d\d:\d\d:\d\d UTC$/,
    /rate limit has been reached/,
  ],
  [
    "unreachable",
    { status: status({ state: "unavailable", reason: "timed out" }) },
    "bad",
    /^Source unreachable since /,
    /Timed out\. Next attempt at/,
  ],
  [
    "not polled yet",
    { status: status({ state: "not_yet_asked" }), observedAt: undefined },
    "waiting",
    /^Waiting for the source$/,
    /first request is pending/,
  ],
  ["paused", { status: status({ state: "paused" }) }, "waiting", /^Polling is paused$/, /operator.* 5 s old/],
  ["nothing yet", { observedAt: undefined }, "waiting", /^Waiting for data$/, /./],
  ["old for an unknown reason", { status: undefined, observedAt: NOW - 600 }, "waiting", /^Snapshot, 10 min old$/, /./],
  [
    "a snapshot until the next poll",
    { observedAt: NOW - 720, status: status({ next_poll_at: NOW + 120 }) },
    "snapshot",
    /^Snapshot, 12 min old, next at \d\d:\d\d UTC$/,
    /^Positions are 12 min old\.$/,
  ],
  ["live below a minute", { observedAt: NOW - 59 }, "good", /^Live$/, /59 s old/],
  ["a snapshot from a minute on", { observedAt: NOW - 60 }, "snapshot", /^Snapshot, 60 s old, next at /, /./],
  [
    "a poll that is overdue",
    { observedAt: NOW - 600, status: status({ next_poll_at: NOW - 61 }) },
    "waiting",
    /^Snapshot, 10 min old$/,
    /The next update was due at/,
  ],
  [
    "an old demo",
    {
      status: { ...status({ next_poll_at: NOW + 30 }), traffic: "simulated", demonstration: true },
      observedAt: NOW - 300,
    },
    "simulated",
    /^Demo, 5 min old, next at \d\d:\d\d UTC$/,
    /./,
  ],
  [
    "empty answers",
    {
      status: status({ last_answer: { at: NOW - 10, states: 0 }, last_states_at: NOW - 720 }),
      observedAt: NOW - 720,
    },
    "waiting",
    /^No aircraft reported for 12 min$/,
    /OpenSky answers.*Positions are 12 min old/,
  ],
  [
    "nothing but empty answers",
    { status: status({ last_answer: { at: NOW - 10, states: 0 }, last_states_at: null }), observedAt: undefined },
    "waiting",
    /^No aircraft reported$/,
    /contains no aircraft/,
  ],
  ["hidden", { connection: { kind: "stopped" } }, "waiting", /^Paused$/, /./],
])("%s", (_, more, tone, headline, explanation) => {
  const said = health(inputs(more));
  expect(said.tone).toBe(tone);
  expect(said.headline).toMatch(headline);
  expect(said.explanation).toMatch(explanation);
});

test("an empty map has an explanation", () => {
  const good = health(inputs({}));
  const lost = health(inputs({ connection: { kind: "refused", reason: "no" } }));
  expect(emptiness({ held: 0, shown: 0, inView: 0 }, good)).toMatch(/No aircraft reported in this area/);
  expect(emptiness({ held: 0, shown: 0, inView: 0 }, lost)).toMatch(/^Connection refused\. No\./);
  expect(emptiness({ held: 1200, shown: 0, inView: 0 }, good)).toMatch(
    /No aircraft match the filters \(1,200 hidden\)/,
  );
  expect(emptiness({ held: 3, shown: 2, inView: 0 }, good)).toMatch(/Zoom out/);
  expect(emptiness({ held: 3, shown: 2, inView: 1 }, lost)).toBeUndefined();
});

test("the facts include the latest answer of the source and the latest one with aircraft", () => {
  const full = status({ last_answer: { at: NOW - 10, states: 9812 }, last_states_at: NOW - 10 });
  expect(facts(full, 200, NOW)).toEqual([
    expect.stringMatching(/^Next update due at \d\d:\d\d:\d\d UTC\.$/),
    "OpenSky last answered 10 s ago, with 9,812 aircraft.",
    "OpenSky credits left today: 3,000.",
    "Delivery delay of the latest event: 0.2 s.",
  ]);
  const empty = status({ last_answer: { at: NOW - 10, states: 0 }, last_states_at: NOW - 720, next_poll_at: null });
  expect(facts(empty, undefined, NOW)).toEqual([
    "OpenSky last answered 10 s ago, with no aircraft.",
    expect.stringMatching(/^It last reported aircraft at \d\d:\d\d:\d\d UTC, 12 min ago\.$/),
    "OpenSky credits left today: 3,000.",
  ]);
  expect(facts(undefined, undefined, NOW)).toEqual([]);
});
