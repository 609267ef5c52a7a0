import { readFileSync } from "node:fs";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { Picture } from "./picture.ts";
import { EventParser } from "./sse.ts";
import { isInScope } from "./state.ts";
import type { StateVector } from "./state.ts";
import { ProtocolError, unknownState, unwrapped } from "./table.ts";

const document = readFileSync(new URL("../../../docs/stream.md", import.meta.url), "utf8");

/** Applies a text of events to a new picture. */
function received(text: string): Picture {
  const picture = new Picture();
  for (const { event, data } of new EventParser().push(text)) picture.apply(event, data);
  return picture;
}

describe("the example of docs/stream.md", () => {
  const example = `${/## A whole example[^]*?```\n([^]*?)```/.exec(document)?.[1] ?? ""}\n`;

  test("is read to its end", () => {
    const picture = received(example);
    expect([...picture.aircraft()].map(({ icao24 }) => icao24)).toEqual(["4b1814", "400a1b"]);
    expect(picture).toMatchObject({ epoch: "5f3a9c1e", seq: 9, observedAt: 1795472681, sentAt: 1795472681002 });
  });

  test("leads to the documented picture after the second update", () => {
    const [first, second, third] = [...received(example.slice(0, example.indexOf('"seq":9') - 50)).aircraft()];
    expect(first).toEqual({
      ...unknownState("4b1814"),
      callsign: "SWR123",
      origin_country: "Switzerland",
      lat: 47.4505,
      lon: 8.5653,
      velocity: 231.5,
      true_track: 87.2,
      vertical_rate: -3.3,
      baro_altitude: 3048,
      geo_altitude: 3101,
      on_ground: false,
      squawk: "1000",
      spi: false,
      position_source: 0,
      category: 4,
      time_position: 1795472381,
      last_contact: 1795472381,
      observed_at: 1795472381,
    } satisfies StateVector);
    expect(second).toMatchObject({ lat: 50.0333, lon: 8.5706, last_contact: 1795472380, time_position: 1795472372 });
    expect(third).toMatchObject({
      icao24: "400a1b",
      lat: 51.47,
      lon: -0.4543,
      squawk: null,
      true_track: null,
      category: null,
    });
  });
});

const head = { epoch: "e", observed_at: 1000, sent_at: 1_000_000, base: 1000 };
const apply = (picture: Picture, event: string, body: object): unknown => picture.apply(event, JSON.stringify(body));
const table = (n: number[], more: object = {}): object => ({
  n,
  icao24: n.map((_, i) => `00000${i}`),
  last_contact: 0,
  ...more,
});

test("an aircraft that moved to another cell is not removed with its old one", () => {
  const picture = new Picture();
  apply(picture, "snapshot", { ...head, seq: 1, cell: "a", aircraft: table([1]) });
  apply(picture, "snapshot", { ...head, seq: 1, cell: "b", aircraft: table([]) });
  apply(picture, "current", { ...head, seq: 1, after: null, cells: ["a", "b"] });
  apply(picture, "delta", { ...head, seq: 2, cell: "b", appeared: table([1]) });
  apply(picture, "delta", { ...head, seq: 2, cell: "a", gone: [1] });
  expect(picture.size).toBe(1);
  apply(picture, "delta", { ...head, seq: 3, cell: "b", gone: [1] });
  expect(picture.size).toBe(0);
});

test("the end of a snapshot removes the aircraft of cells outside the scope", () => {
  const picture = new Picture();
  for (const cell of ["a", "b"]) {
    apply(picture, "snapshot", { ...head, seq: 1, cell, aircraft: table([cell === "a" ? 1 : 2]) });
  }
  apply(picture, "current", { ...head, seq: 1, after: null, cells: ["b"] });
  expect(picture.size).toBe(1);
});

test("a restart of the server clears the picture", () => {
  const picture = new Picture();
  apply(picture, "snapshot", { ...head, seq: 7, cell: "a", aircraft: table([1, 1]) });
  apply(picture, "snapshot", { ...head, epoch: "f", seq: 1, cell: "b", aircraft: table([5]) });
  expect(picture).toMatchObject({ size: 1, epoch: "f" });
});

test.each<[string, string, object]>([
  ["a missed update", "current", { ...head, seq: 4, after: 3 }],
  ["a delta of another epoch", "delta", { ...head, epoch: "f", seq: 2, cell: "a", gone: [] }],
  ["a change of an unknown aircraft", "delta", { ...head, seq: 2, cell: "a", changed: { n: [9], lat: 1 } }],
  [
    "a remainder without a held value",
    "delta",
    { ...head, seq: 2, cell: "a", changed: { n: [1], wrap: { lat: 10 }, lat: [1] } },
  ],
  ["a column that is too short", "delta", { ...head, seq: 2, cell: "a", changed: { n: [1], lat: [] } }],
  ["a row out of range", "delta", { ...head, seq: 2, cell: "a", changed: { n: [1], lat: { rows: [1], values: 3 } } }],
  ["a country out of range", "delta", { ...head, seq: 2, cell: "a", changed: { n: [1], origin_country: 3 } }],
])("%s is detected", (_, event, body) => {
  const picture = new Picture();
  apply(picture, "snapshot", { ...head, seq: 1, cell: "a", aircraft: table([1]) });
  apply(picture, "current", { ...head, seq: 1, after: null, cells: ["a"] });
  expect(() => apply(picture, event, body)).toThrow(ProtocolError);
});

test("any event is applied or rejected with a ProtocolError", () => {
  const anything = fc.oneof(
    fc.json(),
    fc
      .record(
        {
          cell: fc.constant("a"),
          changed: fc.dictionary(fc.constantFrom("n", "lat", "wrap", "squawk"), fc.jsonValue()),
        },
        {},
      )
      .map((body) => JSON.stringify({ ...head, seq: 2, ...body })),
  );
  fc.assert(
    fc.property(fc.constantFrom("snapshot", "delta", "current", "alert"), anything, (event, data) => {
      const picture = new Picture();
      apply(picture, "snapshot", { ...head, seq: 1, cell: "a", aircraft: table([1]) });
      try {
        picture.apply(event, data);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
  );
});

test("a remainder decodes to the nearest value", () => {
  expect(unwrapped(530, 474_512, 1000)).toBe(474_530);
  expect(unwrapped(480, 474_512, 1000)).toBe(474_480);
  fc.assert(
    fc.property(fc.integer({ min: -2e6, max: 2e6 }), fc.integer({ min: -499, max: 499 }), (held, step) => {
      const meant = held + step;
      const sent = ((meant % 1000) + 1000) % 1000;
      expect(unwrapped(sent, held, 1000)).toBe(meant);
    }),
  );
});

test("a box across the antimeridian contains both sides", () => {
  const at = (lat: number | null, lon: number | null): StateVector => {
    const picture = new Picture();
    apply(picture, "snapshot", { ...head, seq: 1, cell: "a", aircraft: table([1]) });
    return { ...([...picture.aircraft()][0] as StateVector), lat, lon };
  };
  const box = { south: -10, west: 170, north: 10, east: -170 };
  expect([179, -179, 169, 0, null].map((lon) => isInScope(at(0, lon), { box }))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
  expect(isInScope(at(null, null), { icao24: ["000000"] })).toBe(true);
});
