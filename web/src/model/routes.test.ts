import { expect, test } from "vitest";

import type { PastFlight } from "../api/types.ts";
import { routeName, routesOf, routeText } from "./routes.ts";

const airport = (icao: string, iata: string | null): NonNullable<PastFlight["departure"]> => ({
  icao,
  iata,
  name: `Airport ${icao}`,
  distance: 900,
  height: 100,
  source: "airports",
});
const flight = (change: Partial<PastFlight>): PastFlight => ({
  icao24: "4b1814",
  callsign: "SWR123",
  first_seen: 0,
  last_seen: 1,
  first_lat: null,
  first_lon: null,
  last_lat: null,
  last_lon: null,
  distance: 0,
  highest_altitude: null,
  states: 1,
  landed: false,
  departure: null,
  arrival: null,
  ...change,
});
const ZURICH = airport("LSZH", "ZRH");
const GRENCHEN = airport("LSZG", null);

test("a route is that of the latest flight with the callsign", () => {
  const flights = [
    flight({ departure: GRENCHEN, arrival: ZURICH }),
    flight({ departure: ZURICH }),
    flight({ callsign: "SWR9", departure: GRENCHEN }),
    flight({ icao24: "3c6444", callsign: null, arrival: ZURICH }),
  ];
  const routes = routesOf(
    flights,
    new Map([
      ["4b1814", "SWR123"],
      ["3c6444", "DLH1"],
    ]),
  );
  expect([...routes.keys()]).toEqual(["4b1814", "3c6444"]);
  expect([...routes.values()].map(routeText)).toEqual(["from ZRH", "to ZRH"]);
});

test("a route has the codes of its airports, or their names", () => {
  const route = routesOf([flight({ departure: ZURICH, arrival: GRENCHEN })], new Map()).get("4b1814");
  expect([routeText(route), routeName(route)]).toEqual(["ZRH – LSZG", "Airport LSZH (ZRH) – Airport LSZG (LSZG)"]);
  expect([routeText({}), routeText(undefined), routeName(undefined)]).toEqual([undefined, undefined, undefined]);
});
