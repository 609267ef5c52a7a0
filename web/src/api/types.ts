/** What the server's JSON API answers with, generated from its OpenAPI description. */

import type { components } from "./schema.ts";

type Schemas = components["schemas"];

export type Flights = Schemas["Flights"];
export type Problem = Schemas["Problem"];
export type ServerStatus = Schemas["Status"];
export type SourceStatus = Schemas["Source"];
export type StateVector = Schemas["StateVector"];
export type Stats = Schemas["Stats"];
export type Track = Schemas["Track"];

/** The traffic of one hour. */
export type HourlyTraffic = Stats["rows"][number];
/** The traffic of one hour and country of registration. */
export type CountryTraffic = Extract<HourlyTraffic, { origin_country?: unknown }>;
