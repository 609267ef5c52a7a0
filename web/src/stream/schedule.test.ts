// The picture after any schedule of changes, with every form of column and some deltas sent twice.

import fc from "fast-check";
import { expect, test } from "vitest";

import { Picture } from "./picture.ts";

interface Plane {
  cell: string;
  lat: number | null;
  velocity: number | null;
  squawk: string | null;
  country: string | null;
  last_contact: number;
  time_position: number | null;
}

const BASE = 1_795_472_376;
const plane = fc.record<Plane>({
  cell: fc.constantFrom("a", "b"),
  lat: fc.option(fc.integer({ min: -900_000, max: 900_000 })),
  velocity: fc.option(fc.integer({ min: 0, max: 3_000 })),
  squawk: fc.option(fc.constantFrom("7700", "1000")),
  country: fc.option(fc.constantFrom("Switzerland", "Germany", "Fiji")),
  last_contact: fc.integer({ min: BASE - 300, max: BASE + 5 }),
  time_position: fc.option(fc.integer({ min: BASE - 4_000, max: BASE })),
});
const form = fc.constantFrom("array", "sparse", "single");
type Form = "array" | "sparse" | "single";

const differences = (ascending: number[]): number[] => ascending.map((value, i) => value - (ascending[i - 1] ?? 0));

/** A column in the wanted form, or in another one that can hold the same values. */
function column(values: unknown[], wanted: Form): unknown {
  const same = values.every((value) => value === values[0]);
  if (wanted === "single" && same && values.length > 0) return values[0];
  if (wanted === "array") return values;
  const rows = values.map((_, row) => row).filter((row) => values[row] !== null);
  const some = rows.map((row) => values[row]);
  return { rows: differences(rows), values: same && some.length > 0 ? some[0] : some };
}

function whole(planes: [number, Plane][], wanted: Form): object {
  const countries = [...new Set(planes.flatMap(([, { country }]) => country ?? []))];
  const of = (value: (plane: Plane) => unknown): unknown =>
    column(
      planes.map(([, each]) => value(each)),
      wanted,
    );
  return {
    n: differences(planes.map(([number]) => number)),
    icao24: planes.map(([number]) => number.toString(16).padStart(6, "0")),
    countries,
    lat: of(({ lat }) => lat),
    velocity: of(({ velocity }) => velocity),
    squawk: of(({ squawk }) => squawk),
    origin_country: of(({ country }) => (country === null ? null : countries.indexOf(country))),
    last_contact: planes.map(([, { last_contact }]) => BASE - last_contact),
    time_position: of(({ time_position, last_contact }) =>
      time_position === null ? null : last_contact - time_position,
    ),
  };
}

/** Changed aircraft; latitudes as remainders where those are unambiguous. */
function changed(planes: [number, Plane, Plane][]): object {
  const wraps = planes.every(
    ([, before, now]) => before.lat !== null && now.lat !== null && Math.abs(before.lat - now.lat) < 500,
  );
  const full = whole(
    planes.map(([number, , now]) => [number, now]),
    "array",
  ) as Record<string, unknown>;
  delete full["icao24"];
  if (!wraps) return full;
  const remainders = planes.map(([, , { lat }]) => (((lat ?? 0) % 1000) + 1000) % 1000);
  return { ...full, wrap: { lat: 1000 }, lat: remainders };
}

function held(picture: Picture): Map<string, object> {
  return new Map(
    [...picture.aircraft()].map(({ icao24, lat, velocity, squawk, origin_country, last_contact, time_position }) => [
      icao24,
      { lat, velocity, squawk, origin_country, last_contact, time_position },
    ]),
  );
}

function meant(planes: Map<number, Plane>): Map<string, object> {
  return new Map(
    [...planes].map(([number, { lat, velocity, squawk, country, last_contact, time_position }]) => [
      number.toString(16).padStart(6, "0"),
      {
        lat: lat === null ? null : lat / 10_000,
        velocity: velocity === null ? null : velocity / 10,
        squawk,
        origin_country: country,
        last_contact,
        time_position,
      },
    ]),
  );
}

test("the picture is the one that was encoded", () => {
  const step = fc.record({
    planes: fc.dictionary(fc.nat({ max: 12 }).map(String), fc.option(plane), { maxKeys: 8 }),
    nudge: fc.integer({ min: -499, max: 499 }),
    form,
    twice: fc.boolean(),
    backwards: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
      const picture = new Picture();
      const planes = new Map<number, Plane>();
      const head = { epoch: "e", observed_at: BASE, sent_at: BASE * 1000, base: BASE };
      const apply = (event: string, body: object): void => {
        picture.apply(event, JSON.stringify({ ...head, ...body }));
      };
      for (const cell of ["a", "b"]) apply("snapshot", { seq: 0, cell, aircraft: { n: [] } });
      apply("current", { seq: 0, after: null, cells: ["a", "b"] });
      steps.forEach((step, index) => {
        const before = new Map(planes);
        for (const [key, plane] of Object.entries(step.planes)) {
          if (plane === null) planes.delete(Number(key));
          else planes.set(Number(key), plane);
        }
        // Aircraft that did not change otherwise move a little.
        for (const [number, each] of before) {
          if (String(number) in step.planes || each.lat === null) continue;
          planes.set(number, { ...each, lat: each.lat + step.nudge });
        }
        const cells = step.backwards ? ["b", "a"] : ["a", "b"];
        const deltas = cells.map((cell) => {
          const numbers = [...new Set([...before.keys(), ...planes.keys()])].sort((a, b) => a - b);
          const gone = numbers.filter((n) => before.get(n)?.cell === cell && planes.get(n)?.cell !== cell);
          const here = numbers.filter((n) => planes.get(n)?.cell === cell);
          const stayed = here.filter((n) => before.get(n)?.cell === cell);
          const appeared = here.filter((n) => before.get(n)?.cell !== cell);
          const now = (n: number): Plane => planes.get(n) as Plane;
          const was = (n: number): Plane => before.get(n) as Plane;
          return {
            seq: index + 1,
            cell,
            ...(gone.length > 0 && { gone: differences(gone) }),
            ...(appeared.length > 0 && {
              appeared: whole(
                appeared.map((n) => [n, now(n)]),
                step.form,
              ),
            }),
            ...(stayed.length > 0 && { changed: changed(stayed.map((n) => [n, was(n), now(n)])) }),
          };
        });
        for (const delta of step.twice ? [...deltas, ...deltas] : deltas) apply("delta", delta);
        apply("current", { seq: index + 1, after: index });
        expect(held(picture)).toEqual(meant(planes));
      });
    }),
  );
});
