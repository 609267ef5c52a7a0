/** What the server's JSON API answers with, generated from its OpenAPI description. */

import type { components } from "./schema.ts";

type Schemas = components["schemas"];

export type ActorStatus = Schemas["ActorStatus"];
export type Alerts = Schemas["Alerts"];
export type BufferObservation = Schemas["BufferObservation"];
export type Coverage = Schemas["Coverage"];
export type Flights = Schemas["Flights"];
export type JournalEntry = Schemas["JournalEntry"];
export type KnownAircraft = Schemas["KnownAircraft"];
export type KnownAircraftList = Schemas["KnownAircraftList"];
export type PastFlight = Schemas["PastFlight"];
export type PastFlights = Schemas["PastFlights"];
export type Phase = Schemas["Phase"];
export type Problem = Schemas["Problem"];
export type ServerStatus = Schemas["Status"];
export type SourceStatus = Schemas["Source"];
export type StateVector = Schemas["StateVector"];
export type Stats = Schemas["Stats"];
export type TestOutcome = Schemas["TestOutcome"];
export type Track = Schemas["Track"];
export type VitalsEvent = Schemas["VitalsEvent"];

/** A row of the history, with the alerts of that state. */
export type RecordedState = StateVector & { readonly alerts: readonly Schemas["RowAlert"][] };

/** What an actor observes, once it has started. */
type Observation = Exclude<Schemas["Observation"], Schemas["NoObservation"]>;
/** A field of any actor's observation. */
export type ObservedField = Observation extends infer Each ? (Each extends unknown ? keyof Each : never) : never;

/** The traffic of one hour. */
export type HourlyTraffic = Stats["rows"][number];
/** The traffic of one hour and country of registration. */
export type CountryTraffic = Extract<HourlyTraffic, { origin_country?: unknown }>;
