import { describe, expect, test } from "vitest";

import type { ServerStatus, SourceStatus } from "../api/types.ts";
import { emptiness, health, replayed } from "./health.ts";
import type { Health, HealthInputs } from "./health.ts";

const NOW = 1_795_472_400;
const source: SourceStatus = {
  name: "opensky",
  kind: "opensky",
  aircraft: 9000,
  state: "live",
  since: NOW - 600,
  reason: null,
  response_time: NOW - 5,
  next_poll_at: NOW + 5,
  credits_left: 3000,
  last_answer: null,
  last_states_at: null,
};
/** The status of a server with these sources, or only one. */
const status = (...sources: Partial<SourceStatus>[]): ServerStatus => {
  const all = (sources.length === 0 ? [{}] : sources).map((more) => ({ ...source, ...more }));
  return {
    demonstration: false,
    traffic: "live",
    recorded_at: null,
    source: all[0] ?? null,
    sources: all,
    aircraft_table: null,
    rules: null,
  };
};
const roof = (more: Partial<SourceStatus>): Partial<SourceStatus> => ({ name: "roof", kind: "readsb", ...more });
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
    "rate limited without a time",
    { status: status({ state: "rate_limited", next_poll_at: null }) },
    "bad",
    /^Rate limited$/,
    /^OpenSky's rate limit/,
  ],
  [
    "unreachable",
    { status: status(roof({ state: "unavailable", reason: "timed out" })) },
    "bad",
    /^Source unreachable since /,
    /^roof did not respond or reported an error\. Next attempt at .* 5 s old/,
  ],
  [
    "refused",
    { status: status({ state: "refused", reason: "unauthorized" }) },
    "bad",
    /^OpenSky denied access$/,
    /^OpenSky has refused .* UTC\. Next attempt at /,
  ],
  [
    "malformed",
    { status: status(roof({ state: "malformed", reason: "not JSON" })) },
    "bad",
    /^Unreadable data from roof$/,
    /^roof has sent unreadable data since .* UTC\. Next attempt at /,
  ],
  [
    "stale",
    { status: status(roof({ state: "stale", reason: "the times stand still" })), observedAt: NOW - 200 },
    "bad",
    /^Stale data from roof$/,
    /^roof answers, but the times in its data no longer advance\. Stale since .* Positions are 3 min old\.$/,
  ],
  [
    "not polled yet",
    { status: status({ state: "not_yet_asked" }), observedAt: undefined },
    "waiting",
    /^Waiting for the source$/,
    /first request is pending/,
  ],
  ["paused", { status: status({ state: "paused" }) }, "waiting", /^Polling is paused$/, /operator.* 5 s old/],
  ["nothing yet", { observedAt: undefined }, "waiting", /^Waiting for data$/, /^Waiting for OpenSky's first update\.$/],
  [
    "nothing yet of a source that another process polls",
    { status: { ...status(), source: null, sources: [] }, observedAt: undefined },
    "waiting",
    /^Waiting for data$/,
    /^Waiting for the first update\.$/,
  ],
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
      status: status({ state: "quiet", last_states_at: NOW - 720 }),
      observedAt: NOW - 720,
    },
    "waiting",
    /^No aircraft reported for 12 min$/,
    /OpenSky answers.*Positions are 12 min old/,
  ],
  [
    "nothing but empty answers",
    { status: status({ state: "quiet", last_states_at: null }), observedAt: undefined },
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
  expect(emptiness({ held: 8, shown: 0, inView: 0 }, good)).toBe("No aircraft match the filters (8 hidden).");
  expect(emptiness({ held: 8, shown: 0, inView: 0 }, good, "Loading types …")).toBe(
    "No aircraft match the filters (8 hidden). Loading types …",
  );
  expect(emptiness({ held: 0, shown: 0, inView: 0 }, lost)).toMatch(/^Connection refused\. No\./);
  const overdue = health(inputs({ status: undefined, observedAt: NOW - 600 }));
  expect(emptiness({ held: 0, shown: 0, inView: 0 }, overdue)).toBe("Snapshot, 10 min old. Positions are 10 min old.");
  expect(emptiness({ held: 1200, shown: 0, inView: 0 }, good)).toMatch(
    /No aircraft match the filters \(1,200 hidden\)/,
  );
  expect(emptiness({ held: 3, shown: 2, inView: 0 }, good)).toMatch(/Zoom out/);
  expect(emptiness({ held: 3, shown: 2, inView: 1 }, lost)).toBeUndefined();
});

describe("with several sources", () => {
  const two = (
    openSky: Partial<SourceStatus>,
    other: Partial<SourceStatus>,
    more: Partial<HealthInputs> = {},
  ): Health => health(inputs({ status: status(openSky, roof(other)), ...more }));

  test("the picture is live while all of them are", () => {
    expect(two({}, {})).toMatchObject({
      tone: "good",
      headline: "Live",
      explanation: "The newest positions are 5 s old.",
      whenEmpty: "No aircraft reported in this area.",
    });
    expect(two({ state: "quiet" }, {})).toMatchObject({ tone: "good", headline: "Live" });
  });

  test.each<[SourceStatus["state"], RegExp]>([
    ["stale", /^roof has sent stale data since \d\d:\d\d:\d\d UTC; aircraft from OpenSky are shown\. /],
    ["rate_limited", /^roof is rate limited until \d\d:\d\d:\d\d UTC; aircraft from OpenSky are shown\. /],
    ["refused", /^roof has denied access since /],
    ["unavailable", /^roof has been unreachable since \d\d:\d\d:\d\d UTC; aircraft from OpenSky are shown\. /],
    ["malformed", /^roof has sent unreadable data since /],
    ["paused", /^roof has been paused since /],
    ["not_yet_asked", /^roof has not been polled yet; /],
  ])("one that is %s is missing from a live picture, which says so even where it is empty", (state, explanation) => {
    const judged = two({}, { state, reason: "a reason" });
    expect(judged).toMatchObject({ tone: "good", headline: "Live, without roof" });
    expect(judged.explanation).toMatch(explanation);
    expect(judged.explanation).toMatch(/ The newest positions are 5 s old\.$/);
    expect(judged.whenEmpty).toMatch(/^No aircraft reported in this area\. roof /);
  });

  test("the missing ones are named, or counted where they are many", () => {
    const dead = (name: string): Partial<SourceStatus> => ({ name, state: "unavailable" });
    const headline = (...sources: Partial<SourceStatus>[]): string =>
      health(inputs({ status: status(...sources) })).headline;
    expect(headline({}, dead("roof"), dead("feed"))).toBe("Live, without roof and feed");
    expect(headline({}, dead("a"), dead("b"), dead("c"))).toBe("Live, without 3 of 4 sources");
    expect(headline(dead("opensky"), roof({}))).toBe("Live, without OpenSky");
  });

  test("an old picture, a demo and a recording say what is missing", () => {
    const dead: Partial<SourceStatus> = { state: "unavailable" };
    expect(two({ next_poll_at: NOW + 60 }, dead, { observedAt: NOW - 720 })).toMatchObject({
      tone: "snapshot",
      headline: "Snapshot, 12 min old, without roof",
    });
    const demo: ServerStatus = { ...status({}, roof(dead)), demonstration: true, traffic: "simulated" };
    expect(health(inputs({ status: demo }))).toMatchObject({ tone: "simulated", headline: "Demo, without roof" });
    expect(health(inputs({ status: demo })).explanation).toMatch(/^roof has .* Simulated aircraft\. /);
    const recorded: ServerStatus = { ...demo, traffic: "recorded", recorded_at: 1_766_930_709 };
    expect(health(inputs({ status: recorded })).headline).toBe("Recorded traffic of 28 Dec 2025, without roof");
  });

  test("the next update is that of the first live source", () => {
    const judged = two({ next_poll_at: NOW + 600 }, { next_poll_at: NOW + 120 }, { observedAt: NOW - 720 });
    expect(judged.headline).toMatch(/^Snapshot, 12 min old, next at 09:02 UTC$|^Snapshot, 12 min old, next at /);
    expect(two({ next_poll_at: NOW - 600 }, {}, { observedAt: NOW - 720 }).tone).toBe("waiting");
  });

  test.each<[SourceStatus["state"], Health["tone"], string]>([
    ["stale", "bad", "Stale data from all sources"],
    ["rate_limited", "bad", "All sources rate limited"],
    ["refused", "bad", "All sources denied access"],
    ["unavailable", "bad", "All sources unreachable"],
    ["malformed", "bad", "Unreadable data from all sources"],
    ["paused", "waiting", "Polling is paused"],
    ["not_yet_asked", "waiting", "Waiting for the sources"],
    ["quiet", "waiting", "No aircraft reported for 12 min"],
  ])("all are %s", (state, tone, headline) => {
    const both = { state, last_states_at: NOW - 720 };
    const judged = two(both, both);
    expect(judged).toMatchObject({ tone, headline });
    expect(judged.whenEmpty).toBe(`${headline}. ${judged.explanation}`);
  });

  test("sources that fail in different ways are each explained", () => {
    const judged = two(
      { state: "rate_limited", next_poll_at: NOW + 600 },
      { state: "refused", next_poll_at: NOW + 60 },
    );
    expect(judged).toMatchObject({ tone: "bad", headline: "No source available" });
    expect(judged.explanation).toMatch(
      /^OpenSky is rate limited until .*; roof has denied access since .*\. Next attempt at .*\. The newest /,
    );
    const silent = two({ state: "unavailable" }, { state: "quiet" });
    expect(silent).toMatchObject({ tone: "bad", headline: "No aircraft reported, without OpenSky" });
    expect(silent.explanation).toMatch(/^OpenSky has been unreachable since .*; roof reports no aircraft\. /);
    expect(two({ state: "not_yet_asked" }, { state: "quiet" }).tone).toBe("waiting");
  });

  test("before the first update there is nothing to degrade", () => {
    const judged = two({}, { state: "unavailable" }, { observedAt: undefined });
    expect(judged).toMatchObject({ tone: "waiting", headline: "Waiting for data" });
    expect(judged.explanation).toBe("Waiting for OpenSky's first update.");
  });
});

test("a replay says where no data was collected, and which sources are missing", () => {
  const empty = { held: 0, shown: 0, inView: 0 };
  const known = replayed(NOW, { missing: [] });
  expect([known.headline, emptiness(empty, known)]).toEqual(["Replay", "No recorded traffic here at this time."]);
  const gap = replayed(NOW, { gap: { from: NOW - 600, to: NOW + 300 }, missing: [] });
  expect(gap.headline).toBe("Replay, no data");
  expect(gap.explanation).toMatch(/^No data was collected from .* to .* UTC\.$/);
  expect(emptiness(empty, gap)).toBe(gap.explanation);
  const partial = replayed(NOW, { missing: ["OpenSky"] });
  expect(partial.headline).toBe("Replay, without OpenSky");
  expect(emptiness(empty, partial)).toBe("No recorded traffic here at this time. OpenSky did not answer.");
  expect(replayed(NOW, { missing: ["a", "b", "c"] }).headline).toBe("Replay, without 3 sources");
});
