import { expect, test } from "vitest";

import { emptiness, health } from "./health.ts";
import type { Circumstances, Health, ServerStatus, SourceStatus } from "./health.ts";

const NOW = 1_795_472_400;
const source: SourceStatus = {
  state: "live",
  since: NOW - 600,
  reason: null,
  response_time: NOW - 5,
  next_poll_at: NOW + 5,
  credits_left: 3000,
};
const status = (more: Partial<SourceStatus> = {}): ServerStatus => ({
  demonstration: false,
  traffic: "live",
  recorded_at: null,
  source: { ...source, ...more },
});
const circumstances = (more: Partial<Circumstances>): Circumstances => ({
  connection: { kind: "live" },
  status: status(),
  observedAt: NOW - 5,
  now: NOW,
  ...more,
});

test.each<[string, Partial<Circumstances>, Health["tone"], RegExp, RegExp]>([
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
    "the server is away",
    { connection: { kind: "waiting", until: (NOW + 4) * 1000, reason: "fetch failed" } },
    "bad",
    /^Connection lost$/,
    /Fetch failed\. Trying again in 4 s\. The picture is 5 s old/,
  ],
  [
    "rate limited",
    { status: status({ state: "rate_limited" }) },
    "bad",
    /^Rate limited until \d\d:\d\d:\d\d UTC$/,
    /no more/,
  ],
  [
    "unreachable",
    { status: status({ state: "unavailable", reason: "timed out" }) },
    "bad",
    /^Source unreachable since /,
    /Timed out\. It is asked/,
  ],
  [
    "not asked",
    { status: status({ state: "not_yet_asked" }), observedAt: undefined },
    "waiting",
    /^Waiting for the source$/,
    /not asked yet/,
  ],
  ["paused", { status: status({ state: "paused" }) }, "waiting", /^Polling is paused$/, /operator.* 5 s old/],
  ["nothing yet", { observedAt: undefined }, "waiting", /^Waiting for data$/, /./],
  ["old, and nobody knows why", { status: undefined, observedAt: NOW - 600 }, "waiting", /^Data is 10 min old$/, /./],
  ["old, but that is how often it is asked", { observedAt: NOW - 600 }, "good", /^Live$/, /10 min old/],
  ["nobody looks", { connection: { kind: "stopped" } }, "waiting", /^Paused$/, /./],
])("%s", (_, more, tone, headline, explanation) => {
  const said = health(circumstances(more));
  expect(said.tone).toBe(tone);
  expect(said.headline).toMatch(headline);
  expect(said.explanation).toMatch(explanation);
});

test("an empty sky has a reason", () => {
  const good = health(circumstances({}));
  const lost = health(circumstances({ connection: { kind: "refused", reason: "no" } }));
  expect(emptiness({ held: 0, shown: 0, inView: 0 }, good)).toMatch(/no aircraft in this area/);
  expect(emptiness({ held: 0, shown: 0, inView: 0 }, lost)).toMatch(/^Refused\. No\./);
  expect(emptiness({ held: 1200, shown: 0, inView: 0 }, good)).toMatch(/None of the 1,200/);
  expect(emptiness({ held: 3, shown: 2, inView: 0 }, good)).toMatch(/Zoom out/);
  expect(emptiness({ held: 3, shown: 2, inView: 1 }, lost)).toBeUndefined();
});
