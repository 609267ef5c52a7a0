import { expect, test } from "vitest";

import type { ActorStatus, JournalEntry, Phase } from "../api/types.ts";
import { bytes, moment, observed, Rate, sentence, Series, tone, weight } from "./vitals.ts";

const entry = (rest: object): JournalEntry => ({ id: 1, at: 0, actor: "poller", ...rest }) as JournalEntry;

test("each log entry has a sentence and a colour", () => {
  const failed = entry({ kind: "phase", from: "running", to: "backing_off", reason: "no route" });
  expect([sentence(failed), weight(failed)]).toEqual(["running → backing off: no route", "waiting"]);
  const ready = entry({ kind: "readiness", ready: true, reason: null });
  expect([sentence(ready), weight(ready)]).toEqual(["ready", "good"]);
  const notReady = entry({ kind: "readiness", ready: false, reason: "no route" });
  expect([sentence(notReady), weight(notReady)]).toEqual(["not ready: no route", "bad"]);
  const order = entry({ kind: "order", action: "pause_polling" });
  expect([sentence(order), weight(order)]).toEqual(["pause requested", "order"]);
  expect(sentence(entry({ kind: "order", action: "of a later version" }))).toBe("of a later version");
});

test("a running actor is good, a stalled one bad, any other one waiting", () => {
  const phases: Phase[] = ["running", "starting", "backing_off", "paused", "restarting", "draining", "stalled"];
  expect(phases.map(tone)).toEqual(["good", "waiting", "waiting", "waiting", "waiting", "waiting", "bad"]);
});

test("a rate is averaged over ten seconds, and unknown after a restart of its counter", () => {
  const rate = new Rate();
  expect(rate.take(100, 10)).toBeUndefined();
  expect(rate.take(150, 12)).toBe(25);
  expect(rate.take(150, 20)).toBe(5);
  expect(rate.take(150, 22)).toBe(0);
  expect(rate.take(10, 23)).toBeUndefined();
  expect(rate.take(20, 24)).toBe(10);
  expect(rate.take(undefined, 25)).toBeUndefined();
  expect(rate.take(30, 26)).toBeUndefined();
});

test("a series keeps the last two minutes", () => {
  const series = new Series();
  for (let value = 0; value < 200; value += 1) series.push(value === 199 ? undefined : value);
  expect(series.values.length).toBe(Series.LENGTH);
  expect([series.values[0], series.last]).toEqual([80, null]);
});

test("sizes, times and observed numbers are formatted", () => {
  expect([bytes(5 * 2 ** 20), bytes(300 * 2 ** 20), bytes(3 * 2 ** 30)]).toEqual(["5.0 MiB", "300 MiB", "3.00 GiB"]);
  expect(moment(null, 5)).toBe("not yet");
  expect(moment(100, 103)).toMatch(/, 3 s ago$/);
  const actor = (observation: object): ActorStatus => ({ observation }) as ActorStatus;
  expect(observed(actor({ held: 3, source: "live" }), "held")).toBe(3);
  expect(observed(actor({ source: "live" }), "source")).toBeUndefined();
  expect(observed(actor({}), "held")).toBeUndefined();
  expect(observed(undefined, "held")).toBeUndefined();
});
