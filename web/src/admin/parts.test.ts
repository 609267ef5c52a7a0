import { afterEach, expect, test, vi } from "vitest";

import type { ActorStatus, SourceStatus } from "../api/types.ts";
import { buffered, endpointState, files, inOrder, partOf, polledBy, polls, titleOf } from "./parts.ts";

const actor = (observation: object): ActorStatus => ({ name: "sink-archive", observation }) as unknown as ActorStatus;

afterEach(() => {
  vi.useRealTimers();
});

test("the card of a sink that collects rows shows what is in memory and in files", () => {
  vi.useFakeTimers({ now: 1_796_010_000_000 });
  const held = { records: 12_000, oldest: 1_796_007_600, files: 7, rows: 90_000, bytes: 3 << 20, last_flush: null };
  expect(buffered(actor({ buffer: held }))).toBe("12,000 records, since 03:00:00 UTC");
  expect(files(actor({ buffer: held }))).toBe("7, 3.0 MiB");
  expect(buffered(actor({ buffer: { ...held, records: 0, oldest: null } }))).toBe("0 records");
  for (const other of [actor({ buffer: null }), actor({ records: 1 }), actor({})]) {
    expect([buffered(other), files(other)]).toEqual([undefined, undefined]);
  }
});

test("actors are in the order of the data flow, and several Pollers in that of their start", () => {
  const names = [
    "sse-hub",
    "sink-archive",
    "merger",
    "poller-roof",
    "kafka-producer",
    "poller-opensky",
    "db-writer",
    "kafka-consumer-polls",
  ];
  expect(inOrder(names)).toEqual([
    "poller-roof",
    "poller-opensky",
    "merger",
    "kafka-producer",
    "db-writer",
    "kafka-consumer-polls",
    "sse-hub",
    "sink-archive",
  ]);
  expect(inOrder(names).map((name) => partOf(name).stage)).toEqual([
    "poll",
    "poll",
    "publish",
    "publish",
    "read",
    "read",
    "read",
    "read",
  ]);
});

test("a Poller names its source", () => {
  expect(["poller", "poller-opensky", "poller-roof"].map(titleOf)).toEqual([
    "Poller",
    "Poller, OpenSky",
    "Poller, roof",
  ]);
  const sources = [
    { name: "opensky", kind: "opensky" },
    { name: "roof", kind: "readsb" },
  ] as SourceStatus[];
  expect(polledBy("poller", sources)?.name).toBe("opensky");
  expect(polledBy("poller-roof", sources)?.kind).toBe("readsb");
  expect([polledBy("poller-gone", sources), polledBy("poller", [])]).toEqual([undefined, undefined]);
  expect([...sources, { name: "readsb", kind: "readsb" }].map(polls)).toEqual([
    "polls OpenSky",
    "polls roof (readsb)",
    "polls readsb",
  ]);
});

test("an actor of a later server has a card with its name", () => {
  expect(partOf("unheard-of")).toEqual({ title: "unheard-of", stage: "read", does: "", facts: [] });
});

test("the card of a Notifier names its endpoint, and says why that accepts nothing", () => {
  vi.useFakeTimers({ now: 1_796_007_700_000 });
  expect(partOf("notify-phone")).toMatchObject({ title: "Notifier, phone", stage: "read" });
  const seen = { state: "delivering", state_since: 1_796_007_600, reason: null };
  expect(endpointState(actor(seen))).toBe("delivering");
  const failing = { ...seen, state: "retrying", reason: "unavailable: no response within 10s" };
  expect(endpointState(actor(failing))).toBe("retrying since 03:00:00 UTC: unavailable: no response within 10s");
  expect(endpointState(actor({}))).toBe("–");
});
