import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { KnownAircraft } from "../api/types.ts";
import type { StateVector } from "../stream/index.ts";
import { unknownState } from "../stream/table.ts";
import { isPositionOld, opacity, positionAge, shape } from "./aircraft.ts";
import type { ActiveAlerts } from "./alerts.ts";
import { altitudeColour, EMERGENCY, GROUND, UNKNOWN } from "./colours.ts";
import { chipsOf, isOpen, predicate, problemsOf, usable } from "./filter.ts";
import type { Filter } from "./filter.ts";
import {
  boxOf,
  latitudeAt,
  mercatorVelocity,
  mercatorX,
  mercatorY,
  scopeAround,
  stillFits,
  wrapLongitude,
} from "./geometry.ts";
import { readLink, writeLink } from "./link.ts";
import { extrapolationTime } from "./motion.ts";
import { search } from "./search.ts";
import { sorted } from "./sort.ts";
import {
  altitudeText,
  figure,
  flightLevel,
  fromUnit,
  inUnit,
  setTransitionAltitude,
  span,
  TRANSITION_ALTITUDE,
  UNIT_SYSTEMS,
  withUnit,
} from "./units.ts";

function aircraft(known: Partial<StateVector> = {}): StateVector {
  return {
    ...unknownState("4b1814"),
    callsign: "SWR123",
    origin_country: "Switzerland",
    lat: 47,
    lon: 8,
    velocity: 230,
    true_track: 90,
    vertical_rate: 0,
    baro_altitude: 10_000,
    geo_altitude: 10_100,
    on_ground: false,
    squawk: "1000",
    spi: false,
    position_source: 0,
    source: "opensky",
    category: 4,
    time_position: 100,
    last_contact: 100,
    observed_at: 100,
    ...known,
  };
}

const NO_ALERTS: ActiveAlerts = new Map();
const NOTHING_KNOWN: ReadonlyMap<string, KnownAircraft> = new Map();

describe("units", () => {
  test.each([
    [10_668, "aeronautical", "35,000 ft"],
    [10_668, "metric", "10,668 m"],
    [-0.04, "metric", "0 m"],
    [null, "imperial", "–"],
  ] as const)("an altitude of %s m is %s %s", (value, system, text) => {
    expect(withUnit(value, "altitude", system)).toBe(text);
  });

  test("speeds and rates", () => {
    expect(UNIT_SYSTEMS.map((system) => withUnit(100, "speed", system))).toEqual(["194 kt", "360 km/h", "224 mph"]);
    expect(UNIT_SYSTEMS.map((system) => figure(-5.08, "vertical", system))).toEqual(["-1,000", "-5.1", "-1,000"]);
  });

  test("a conversion to a unit and back keeps the value", () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
        fc.constantFrom(...UNIT_SYSTEMS),
        (value, system) => {
          expect(fromUnit(inUnit(value, "distance", system), "distance", system)).toBeCloseTo(value, 5);
        },
      ),
    );
  });

  test("flight levels and spans", () => {
    expect([10_668, 300, -50].map(flightLevel)).toEqual(["FL350", "FL010", "FL000"]);
    expect([3, 99, 150, 7_500, 7_200, 400_000].map(span)).toEqual([
      "3 s",
      "99 s",
      "3 min",
      "2 h 5 min",
      "2 h",
      "5 days",
    ]);
  });
});

describe("flight levels", () => {
  const at = (feet: number): { baro_altitude: number; geo_altitude: null } => ({
    baro_altitude: feet * 0.3048,
    geo_altitude: null,
  });

  test("are used from the transition altitude up, feet below it", () => {
    expect([400, 17_999, 18_000, 35_000].map((feet) => altitudeText(at(feet), "aeronautical"))).toEqual([
      "400 ft",
      "17,999 ft",
      "FL180",
      "FL350",
    ]);
    setTransitionAltitude(5_000);
    expect(altitudeText(at(6_000), "aeronautical")).toBe("FL060");
    setTransitionAltitude(TRANSITION_ALTITUDE);
  });

  test("need a barometric altitude and aeronautical units", () => {
    const geometric = { baro_altitude: null, geo_altitude: 10_668 };
    expect(altitudeText(geometric, "aeronautical")).toBe("35,000 ft");
    expect([altitudeText(at(35_000), "metric"), altitudeText(at(35_000), "imperial")]).toEqual([
      "10,668 m",
      "35,000 ft",
    ]);
    expect(altitudeText({ baro_altitude: null, geo_altitude: null }, "aeronautical")).toBe("–");
  });
});

describe("colours", () => {
  test("follow the altitude; the ground and unknown altitudes have their own", () => {
    expect(altitudeColour(0, false)).toEqual([224, 76, 20]);
    expect(altitudeColour(-300, false)).toEqual(altitudeColour(0, false));
    expect(altitudeColour(99_999, false)).toEqual(altitudeColour(15_000, false));
    expect(altitudeColour(6_000, false)).toEqual([32, 169, 92]);
    expect(altitudeColour(6_000, true)).toBe(GROUND);
    expect(altitudeColour(null, false)).toBe(UNKNOWN);
    expect(EMERGENCY).not.toEqual(GROUND);
  });
});

describe("an aircraft", () => {
  test("has a symbol for its category", () => {
    const cases = [{ category: 8 }, { category: 9 }, { category: 2 }, { category: 17 }, {}, { true_track: null }];
    expect(cases.map((known) => shape(aircraft(known)))).toEqual([
      "helicopter",
      "glider",
      "single",
      "vehicle",
      "narrow",
      "dot",
    ]);
  });

  test("is marked by the age of its position, not of its last contact", () => {
    const heard = aircraft({ time_position: 1_000, last_contact: 8_195, observed_at: 8_200 });
    expect(positionAge(heard, 8_200)).toBe(7_200);
    expect([isPositionOld(heard, 8_200), isPositionOld(heard, 1_010), isPositionOld(heard, undefined)]).toEqual([
      true,
      false,
      true,
    ]);
    const silent = aircraft({ time_position: null, last_contact: 1_000, observed_at: 1_000 });
    expect([isPositionOld(silent, 1_010), isPositionOld(silent, 1_500)]).toEqual([false, true]);
    expect(isPositionOld(aircraft({ lat: null, lon: null, time_position: 1_000 }), 8_200)).toBe(false);
  });

  test("fades as its position ages", () => {
    expect(opacity(-5)).toBe(1);
    expect(opacity(30)).toBe(1);
    expect(opacity(200)).toBeCloseTo(0.5);
    expect(opacity(9_999)).toBe(0.3);
  });
});

describe("filters", () => {
  test.each<[Filter, boolean]>([
    [{}, true],
    [{ lowest: 9_000, highest: 11_000 }, true],
    [{ lowest: 10_001 }, false],
    [{ slowest: 231 }, false],
    [{ country: "Switzerland", category: 4, ground: "air" }, true],
    [{ source: "opensky" }, true],
    [{ source: "roof" }, false],
    [{ ground: "ground" }, false],
    [{ squawk: "10" }, true],
    [{ squawk: "77" }, false],
    [{ alerts: true }, false],
  ])("%o", (filter, passes) => {
    expect(predicate(filter, NO_ALERTS, NOTHING_KNOWN)(aircraft())).toBe(passes);
  });

  test("aircraft with an alert pass its filter, whatever their squawk", () => {
    const state = aircraft({ squawk: "7700" });
    const alert = { icao24: "4b1814", squawk: "7700", meaning: "emergency", since: 100, state };
    const alerts: ActiveAlerts = new Map([
      ["4b1814", [{ ...alert, rule: "emergency-squawk", ended: null, detail: "emergency" }]],
    ]);
    expect(predicate({ alerts: true }, alerts, NOTHING_KNOWN)(aircraft({ squawk: null }))).toBe(true);
    expect(predicate({ alerts: true }, NO_ALERTS, NOTHING_KNOWN)(state)).toBe(false);
  });

  test("an unknown value fails a filter that needs it", () => {
    expect(predicate({ slowest: 0 }, NO_ALERTS, NOTHING_KNOWN)(aircraft({ velocity: null }))).toBe(false);
    const low = predicate({ highest: 100 }, NO_ALERTS, NOTHING_KNOWN);
    const unknown = { baro_altitude: null, geo_altitude: null };
    expect([low(aircraft(unknown)), low(aircraft({ ...unknown, on_ground: true }))]).toEqual([false, true]);
    expect([isOpen({}), isOpen({ alerts: false }), isOpen({ lowest: 0 })]).toEqual([true, true, false]);
  });
});

describe("a filter", () => {
  test("with invalid members names them at their fields, and the rest is used", () => {
    const filter = { lowest: 3_000, highest: 1_000, slowest: 1, fastest: 2, squawk: "9", country: "Chad" };
    expect(Object.keys(problemsOf(filter))).toEqual(["altitude", "squawk"]);
    expect(usable(filter)).toEqual({ slowest: 1, fastest: 2, country: "Chad" });
    expect([
      problemsOf({ lowest: 1, highest: 1 }),
      problemsOf({ squawk: "7700" }),
      problemsOf({ squawk: "77" }),
    ]).toEqual([{}, {}, {}]);
    expect(["8000", "77777", "7a", " 77"].map((squawk) => problemsOf({ squawk }).squawk !== undefined)).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });

  test("is described part by part", () => {
    const filter: Filter = {
      lowest: 1_524,
      highest: 3_048,
      fastest: 100,
      country: "Chad",
      source: "opensky",
      category: 8,
      ground: "air",
      squawk: "77",
      alerts: true,
      type: "A32*",
      registration: "HB-*",
      operator: "swiss",
      service: "civil",
    };
    expect(chipsOf(filter, "aeronautical").map(({ text }) => text)).toEqual([
      "Altitude 5,000–10,000 ft",
      "Speed up to 194 kt",
      "Chad",
      "Reported by OpenSky",
      "Rotorcraft",
      "Type A32*",
      "Registration HB-*",
      "Operator swiss",
      "Civil",
      "Airborne",
      "Squawk 77",
      "With alerts only",
    ]);
    expect(chipsOf({}, "metric")).toEqual([]);
  });
});

describe("search", () => {
  const all = [
    aircraft({ icao24: "aaaaaa", callsign: "XSWR" }),
    aircraft({ icao24: "bbbbbb", callsign: "SWR9" }),
    aircraft({ icao24: "cccccc", callsign: null }),
    aircraft({ icao24: "dddddd", callsign: "SWR" }),
    aircraft({ icao24: "eeeeee", callsign: "BAW1", origin_country: "United Kingdom" }),
  ];
  test.each([
    ["swr", ["dddddd", "bbbbbb", "aaaaaa"]],
    ["cccccc", ["cccccc"]],
    [" united k", ["eeeeee"]],
    ["", []],
  ])("%s", (text, found) => {
    expect(search(all, text, 10, NOTHING_KNOWN).map(({ icao24 }) => icao24)).toEqual(found);
  });
});

test("unknown values come last in either order", () => {
  const all = [3, null, 1, 2].map((velocity, i) => aircraft({ icao24: `00000${i}`, velocity }));
  const speeds = (descending: boolean): unknown[] =>
    sorted(all, { by: "speed", descending }, { facts: NOTHING_KNOWN, routes: new Map() }).map(
      ({ velocity }) => velocity,
    );
  expect([speeds(false), speeds(true)]).toEqual([
    [1, 2, 3, null],
    [3, 2, 1, null],
  ]);
});

describe("geometry", () => {
  test("the corners of the web mercator map", () => {
    expect([mercatorX(-180), mercatorX(180), mercatorY(0)]).toEqual([0, 1, 0.5]);
    expect(mercatorY(90)).toBeCloseTo(0);
    expect(mercatorY(-90)).toBeCloseTo(1);
  });

  test("a map as wide as two worlds shows one on each side of its centre", () => {
    const box = boxOf({ zoom: 0, lat: 0, lon: 10 }, 1024, 512);
    expect([box.west, box.east]).toEqual([-350, 370]);
    expect(box.north).toBeCloseTo(85.0511, 3);
    expect(latitudeAt(mercatorY(47.3))).toBeCloseTo(47.3);
  });

  test("a velocity on the map is the distance of a minute", () => {
    const [x, y] = mercatorVelocity(60, 250, 90);
    // 15 km to the east at 60° N, where a degree is half as long as at the equator.
    expect(x * 60 * 360).toBeCloseTo(15_000 / (111_319.5 * 0.5), 3);
    expect(y).toBeCloseTo(0);
    expect(mercatorVelocity(0, 250, 0)[1]).toBeLessThan(0);
  });

  test("a requested box contains the view, and is kept until the view leaves it", () => {
    const view = fc.record({
      lat: fc.double({ noNaN: true, min: -60, max: 60 }),
      lon: fc.double({ noNaN: true, min: -180, max: 180 }),
      width: fc.double({ noNaN: true, min: 2, max: 55 }),
    });
    fc.assert(
      fc.property(view, ({ lat, lon, width }) => {
        const box = { south: lat - width / 4, north: lat + width / 4, west: lon - width / 2, east: lon + width / 2 };
        const scope = scopeAround(box);
        expect(stillFits(scope, box)).toBe(true);
        expect(stillFits(scope, { ...box, west: box.west + 360, east: box.east + 360 })).toBe(true);
        expect(stillFits(scope, { ...box, west: box.west + 2.5 * width, east: box.east + 2.5 * width })).toBe(false);
      }),
    );
    expect(scopeAround({ south: -60, north: 80, west: -170, east: 170 })).toBeUndefined();
    expect(scopeAround({ south: -20, north: -10, west: 170, east: 190 })).toEqual({
      south: -28,
      north: -4,
      west: 160,
      east: -160,
    });
    expect([190, -190, 540, 10].map(wrapLongitude)).toEqual([-170, 170, -180, 10]);
  });
});

test("positions are estimated for a minute at most, and never backwards", () => {
  expect([90, 100, 130, 999].map((now) => extrapolationTime(now, 100))).toEqual([0, 0, 30, 60]);
  expect(extrapolationTime(130, null)).toBe(0);
});

test("a link is read back as it was written", () => {
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, min: 0, max: 12 }),
      fc.double({ noNaN: true, min: -85, max: 85 }),
      fc.double({ noNaN: true, min: -180, max: 180 }),
      (zoom, lat, lon) => {
        const read = readLink(writeLink({ icao24: "4b1814", view: { zoom, lat, lon } }));
        expect(read.icao24).toBe("4b1814");
        expect(read.view?.lat).toBeCloseTo(lat, 1);
        expect(read.view?.lon).toBeCloseTo(lon, 1);
      },
    ),
  );
  const link = {
    icao24: "4b1814",
    panel: "filters",
    filter: {
      lowest: 1_524,
      fastest: 123.45,
      country: "Côte d'Ivoire",
      source: "roof-2",
      category: 8,
      ground: "ground",
      squawk: "7700",
      alerts: true,
      type: "A32*, B738",
      registration: "HB-?C*",
      operator: "Swiss & Co",
      service: "military",
    },
    replay: { at: 1_766_930_709, speed: 30 },
  } as const;
  expect(readLink(writeLink(link))).toEqual(link);
  expect(
    readLink("#panel=x&minalt=x&source=%3Cb%3E&category=99&type=%20&service=both&squawk=9999&ground=sea&at=-1&speed=7"),
  ).toEqual({});
  expect(readLink("#emergencies=1&panel=alerts")).toEqual({ filter: { alerts: true }, panel: "alerts" });
  expect(readLink("#at=5&speed=7")).toEqual({ replay: { at: 5 } });
  expect([readLink(""), readLink("#icao24=xyz&view=1/2"), readLink("#view=1/2/900")]).toEqual([{}, {}, {}]);
  expect(writeLink({})).toBe("");
});
