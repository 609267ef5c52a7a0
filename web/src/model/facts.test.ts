import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { KnownAircraft, ServerStatus } from "../api/types.ts";
import type { StateVector } from "../stream/index.ts";
import { unknownState } from "../stream/table.ts";
import { labelFacts, NO_FACTS, operatorOf, patternTest, plainRegistration } from "./facts.ts";
import type { Facts } from "./facts.ts";
import { limitOf, needsFacts, predicate, without } from "./filter.ts";
import type { Filter } from "./filter.ts";
import { search } from "./search.ts";
import { COLUMNS, sorted } from "./sort.ts";
import type { Column } from "./sort.ts";

const SWISS: KnownAircraft = {
  icao24: "4b1814",
  registration: "HB-JCA",
  type: "BCS3",
  description: "Airbus A220-300",
  operator: "Swiss Global",
  airline: "Swiss International Air Lines",
  sources: {},
};
const GLOBEMASTER: KnownAircraft = {
  icao24: "ae0123",
  registration: "05-5140",
  type: "C17",
  description: "Boeing C-17A Globemaster III",
  operator: "United States Air Force",
  military: true,
  sources: {},
};
const CESSNA: KnownAircraft = { icao24: "a835af", registration: "N628TS", sources: {} };
const KNOWN = new Map([SWISS, GLOBEMASTER, CESSNA].map((one) => [one.icao24, one] as const));

const state = (icao24: string, callsign: string | null = null): StateVector => ({ ...unknownState(icao24), callsign });
const STATES = [state("4b1814", "SWR123"), state("ae0123", "RCH456"), state("a835af", "N628TS"), state("abcdef")];
const addresses = (states: readonly StateVector[]): string[] => states.map(({ icao24 }) => icao24);

describe("a pattern", () => {
  test.each([
    ["A320", "A320", true],
    ["a320", "A320", true],
    ["A32", "A320", false],
    ["C17", "C172", false],
    ["A32*", "A320", true],
    ["A3?0", "A380", true],
    ["A3?0", "A3800", false],
    ["B738, A32*", "A321", true],
    ["B738;A32*", "B738", true],
    ["*", "", true],
    ["*7*W", "B77W", true],
    ["**", "B77W", true],
    ["A*A", "A", false],
    ["A*A", "AA", true],
    ["?", "", false],
  ])("%s and %s: %s", (pattern, value, is) => {
    expect(patternTest(pattern)?.(value)).toBe(is);
  });

  test("is missing where the text has none", () => {
    expect([patternTest(""), patternTest(" , ;")]).toEqual([undefined, undefined]);
  });

  test("of a registration ignores hyphens and spaces", () => {
    const is = patternTest("hb-j*, n 628ts", plainRegistration);
    expect(["HB-JCA", "HBJCA", "N628TS", "D-AIMA"].map((text) => is?.(text))).toEqual([true, true, true, false]);
  });

  test("agrees with a regular expression", () => {
    const text = fc.string({ unit: fc.constantFrom("A", "B", "*", "?"), maxLength: 8 });
    const value = fc.string({ unit: fc.constantFrom("A", "B"), maxLength: 8 });
    fc.assert(
      fc.property(text, value, (pattern, of) => {
        fc.pre(pattern !== "");
        const expression = new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`);
        expect(patternTest(pattern)?.(of)).toBe(expression.test(of));
      }),
    );
  });

  test("with many asterisks takes no longer than the text is long", () => {
    const begin = performance.now();
    expect(patternTest(`${"A*".repeat(49)}B`)?.("A".repeat(5_000))).toBe(false);
    expect(performance.now() - begin).toBeLessThan(1_000);
  });
});

describe("filters of what is known", () => {
  test.each<[Filter, string[]]>([
    [{ type: "BCS?, C172" }, ["4b1814"]],
    [{ registration: "N*" }, ["a835af"]],
    [{ registration: "055140" }, ["ae0123"]],
    [{ operator: "AIR" }, ["4b1814", "ae0123"]],
    [{ operator: "swiss global" }, ["4b1814"]],
    [{ service: "military" }, ["ae0123"]],
    [{ service: "civil" }, ["4b1814", "a835af", "abcdef"]],
    [{ service: "civil", type: "C17" }, []],
    [{ type: " ," }, ["4b1814", "ae0123", "a835af", "abcdef"]],
  ])("%o", (filter, passing) => {
    expect(addresses(STATES.filter(predicate(filter, new Map(), KNOWN)))).toEqual(passing);
    expect(needsFacts(filter)).toBe(true);
  });

  test("find nothing until something is known, except civil aircraft", () => {
    const passing = (filter: Filter): number => STATES.filter(predicate(filter, new Map(), new Map())).length;
    expect(
      [{ type: "*" }, { registration: "*" }, { operator: "a" }, { service: "military" } as const].map(passing),
    ).toEqual([0, 0, 0, 0]);
    expect(passing({ service: "civil" })).toBe(4);
  });

  test("say why they do not find everything", () => {
    const table = { aircraft: 1, bad_rows: 0, failed: false, loaded_at: 1 };
    const status = (aircraft_table: ServerStatus["aircraft_table"]): ServerStatus =>
      ({ aircraft_table }) as ServerStatus;
    const all: Filter = { type: "A320", registration: "HB-*", operator: "Swiss", service: "military" };
    const loading: Facts = { ...NO_FACTS, isLoading: true };
    expect(limitOf({ country: "Chad" }, loading, status(null))).toBeUndefined();
    expect(limitOf(all, NO_FACTS, status(table))).toBeUndefined();
    expect(limitOf(all, NO_FACTS, undefined)).toBeUndefined();
    expect(limitOf(all, NO_FACTS, status(null))).toMatch(/has no aircraft table/);
    expect(limitOf(without(all, ["type", "service"]), NO_FACTS, status(null))).toBeUndefined();
    expect(limitOf(all, NO_FACTS, status({ ...table, loaded_at: null }))).toMatch(/not been loaded/);
    expect(limitOf(all, loading, status(table))).toMatch(/^Loading/);
    expect(limitOf(all, { ...loading, isUnavailable: true }, status(table))).toMatch(/unavailable; retrying/);
  });
});

describe("search", () => {
  test.each([
    ["hb-jca", ["4b1814"]],
    ["HBJ", ["4b1814"]],
    ["jca", ["4b1814"]],
    ["055", ["ae0123"]],
    ["c17", ["ae0123"]],
    ["bcs", ["4b1814"]],
    ["globemaster", ["ae0123"]],
    ["swiss", ["4b1814"]],
    ["air lines", ["4b1814"]],
    ["air", ["4b1814", "ae0123"]],
    ["n628ts", ["a835af"]],
    ["-", []],
    ["o", []],
  ])("%s", (text, found) => {
    const states = STATES.filter(({ icao24 }) => icao24 !== "abcdef");
    expect(addresses(search(states, text, 10, KNOWN)).sort()).toEqual([...found].sort());
  });

  test("an equal registration comes before a callsign that begins with it", () => {
    const states = [state("000001", "HBJCA1"), state("4b1814", "SWR123")];
    expect(addresses(search(states, "hbjca", 10, KNOWN))).toEqual(["4b1814", "000001"]);
  });
});

describe("the list", () => {
  const routes = new Map([
    ["ae0123", { departure: { code: "RMS", name: "Ramstein Air Base" } }],
    ["4b1814", { departure: { code: "ZRH", name: "Zurich" }, arrival: { code: "FRA", name: "Frankfurt" } }],
  ]);
  test.each<[Column, string[]]>([
    ["registration", ["ae0123", "4b1814", "a835af", "abcdef"]],
    ["type", ["4b1814", "ae0123", "a835af", "abcdef"]],
    ["operator", ["4b1814", "ae0123", "a835af", "abcdef"]],
    ["route", ["4b1814", "ae0123", "a835af", "abcdef"]],
  ])("is sorted by %s, unknown ones last", (by, order) => {
    const known = { facts: KNOWN, routes };
    expect(addresses(sorted(STATES, { by, descending: false }, known))).toEqual(order);
    expect(addresses(sorted(STATES, { by, descending: true }, known)).at(-1)).toBe("abcdef");
  });

  test("is sorted by each of its columns", () => {
    const known = { facts: KNOWN, routes };
    for (const by of COLUMNS) expect(sorted(STATES, { by, descending: true }, known)).toHaveLength(4);
  });
});

test("the airline of a callsign comes before the operator of the table", () => {
  expect([SWISS, GLOBEMASTER, CESSNA, undefined].map(operatorOf)).toEqual([
    "Swiss International Air Lines",
    "United States Air Force",
    undefined,
    undefined,
  ]);
});

test("labels have what is known and wanted", () => {
  const both = { registration: true, type: true };
  expect([SWISS, CESSNA, undefined].map((known) => labelFacts(known, both))).toEqual(["HB-JCA · BCS3", "N628TS", ""]);
  expect(labelFacts(SWISS, { registration: false, type: true })).toBe("BCS3");
  expect(labelFacts(SWISS, { registration: false, type: false })).toBe("");
});
