import type { PastFlight } from "../api/types.ts";

/** Where a flight probably departed and arrived; unknown ends are left out. */
export interface Route {
  readonly departure?: RouteEnd;
  readonly arrival?: RouteEnd;
}

/** An airport of a route. */
export interface RouteEnd {
  /** The IATA code, or else the ICAO code. */
  readonly code: string;
  readonly name: string;
}

/** Routes by ICAO address. */
export type Routes = ReadonlyMap<string, Route>;

/**
 * The route of each aircraft's latest flight with its callsign: the flight before may be all that is stored so far.
 *
 * @param flights ordered by when they were first seen
 */
export function routesOf(
  flights: readonly PastFlight[],
  callsigns: ReadonlyMap<string, string | null>,
): Map<string, Route> {
  const routes = new Map<string, Route>();
  for (const { icao24, callsign, departure, arrival } of flights) {
    const current = callsigns.get(icao24) ?? null;
    if (callsign !== null && current !== null && callsign !== current) continue;
    routes.set(icao24, {
      ...(departure !== null && { departure: end(departure) }),
      ...(arrival !== null && { arrival: end(arrival) }),
    });
  }
  return routes;
}

function end({ iata, icao, name }: NonNullable<PastFlight["departure"]>): RouteEnd {
  return { code: iata ?? icao, name };
}

/** A route in codes: `ZRH – FRA`, `from ZRH`, `to FRA`; `undefined` where neither end is known. */
export function routeText(route: Route | undefined): string | undefined {
  return joined(route, ({ code }) => code);
}

/** A route in names: `Zurich Airport (ZRH) – Frankfurt am Main Airport (FRA)`. */
export function routeName(route: Route | undefined): string | undefined {
  return joined(route, ({ code, name }) => `${name} (${code})`);
}

function joined(route: Route | undefined, text: (end: RouteEnd) => string): string | undefined {
  if (route?.departure === undefined) return route?.arrival && `to ${text(route.arrival)}`;
  const from = text(route.departure);
  return route.arrival === undefined ? `from ${from}` : `${from} – ${text(route.arrival)}`;
}
