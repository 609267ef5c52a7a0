// Generated from the server's OpenAPI description by `npm run api`. Do not edit.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description The live picture, or a part of it. */
        Flights: {
            /** @description The number of states. */
            count: number;
            /** @description Ordered by aircraft. */
            states: components["schemas"]["StateVector"][];
            time: components["schemas"]["UnixTime"] | null;
        };
        /**
         * @description What the traffic is grouped by.
         * @enum {string}
         */
        GroupBy: "hour" | "country" | "cell";
        /**
         * @description An ICAO 24-bit aircraft address, written as six lower-case hex digits (`3c6444`).
         * @example 3c6444
         */
        Icao24: string;
        /** @description A response of the source. */
        LastAnswer: {
            /**
             * Format: int64
             * @description When it was received.
             */
            at: number;
            /** @description The number of states in it. */
            states: number;
        };
        /** @description An error response: a problem document (RFC 9457). */
        Problem: {
            /** @description What is wrong, for humans. */
            detail: string;
            /** @description The query parameter that is invalid. */
            parameter?: string;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description The kind of error in a few words; the same for all problems with this status. */
            title: string;
        };
        /** @description The source of the flights. */
        Source: {
            /**
             * Format: int32
             * @description Credits left until the next refill, as reported by the source.
             */
            credits_left: number | null;
            last_answer: components["schemas"]["LastAnswer"] | null;
            /**
             * Format: int64
             * @description When a response last contained any states.
             */
            last_states_at: number | null;
            /**
             * Format: int64
             * @description The time of the next poll.
             */
            next_poll_at: number | null;
            /** @description Why the source cannot be used, in a few words. */
            reason: string | null;
            /**
             * Format: int64
             * @description The time in its newest valid response.
             */
            response_time: number | null;
            /**
             * Format: int64
             * @description The start of this state.
             */
            since: number;
            /**
             * @description `not_yet_asked`, `live`, `rate_limited`, `refused`, `unavailable` or `malformed`; `paused` while the operator
             *     has paused polling.
             */
            state: string;
        };
        /** @description The state of one aircraft at one time, as reported by a source. Unknown values are `null`, never 0. SI units, WGS-84 degrees, Unix seconds. */
        StateVector: {
            /**
             * Format: double
             * @description Barometric (pressure) altitude. Unit: m.
             */
            baro_altitude: number | null;
            /** @description Callsign without the padding around it; inner blanks are kept. */
            callsign: string | null;
            /**
             * Format: int32
             * @description ADS-B emitter category in OpenSky's codes, 0 to 20; other codes are kept as sent.
             */
            category: number | null;
            /**
             * Format: double
             * @description Geometric (GNSS) altitude above the WGS-84 ellipsoid. Unit: m.
             */
            geo_altitude: number | null;
            /** @description ICAO 24-bit address of the aircraft. */
            icao24: components["schemas"]["Icao24"];
            /** @description When any message from the aircraft was last received. */
            last_contact: components["schemas"]["UnixTime"];
            /**
             * Format: double
             * @description WGS-84 latitude, positive to the north. Unit: degrees.
             */
            lat: number | null;
            /**
             * Format: double
             * @description WGS-84 longitude, positive to the east. Unit: degrees.
             */
            lon: number | null;
            observed_at: components["schemas"]["UnixTime"] | null;
            /** @description Whether the position comes from a surface report. Unknown only in messages that lack the field. */
            on_ground: boolean | null;
            /** @description Country in which the address is registered. */
            origin_country: string | null;
            /**
             * Format: int32
             * @description Source of the position: 0 ADS-B, 1 ASTERIX, 2 MLAT, 3 FLARM; other codes are kept as sent.
             */
            position_source: number | null;
            /** @description Special purpose indicator. Unknown only in messages that lack the field. */
            spi: boolean | null;
            /** @description Transponder code, four octal digits as sent. */
            squawk: string | null;
            time_position: components["schemas"]["UnixTime"] | null;
            /**
             * Format: double
             * @description Direction of movement over ground, clockwise from north, 0 ≤ track < 360. Unit: degrees.
             */
            true_track: number | null;
            /**
             * Format: double
             * @description Speed over ground. Unit: m/s.
             */
            velocity: number | null;
            /**
             * Format: double
             * @description Vertical rate, positive when climbing. Unit: m/s.
             */
            vertical_rate: number | null;
        };
        /** @description Traffic per hour. */
        Stats: {
            by: components["schemas"]["GroupBy"];
            /** @description The number of rows. */
            count: number;
            from: components["schemas"]["UnixTime"];
            rows: ({
                /**
                 * Format: int64
                 * @description The number of distinct aircraft. An aircraft reported with two countries counts twice.
                 */
                aircraft: number;
                /** @description The start of the hour. */
                hour: components["schemas"]["UnixTime"];
                /**
                 * Format: int64
                 * @description The number of state vectors.
                 */
                states: number;
            } | {
                /**
                 * Format: int64
                 * @description The number of distinct aircraft.
                 */
                aircraft: number;
                /** @description The start of the hour. */
                hour: components["schemas"]["UnixTime"];
                /** @description The country of registration; `None` if unknown. */
                origin_country?: string | null;
                /**
                 * Format: int64
                 * @description The number of state vectors.
                 */
                states: number;
            } | {
                /**
                 * Format: int64
                 * @description The number of distinct aircraft.
                 */
                aircraft: number;
                /** @description The start of the hour. */
                hour: components["schemas"]["UnixTime"];
                /**
                 * Format: int32
                 * @description Its southern edge in degrees north.
                 */
                lat: number;
                /**
                 * Format: int32
                 * @description Its western edge in degrees east.
                 */
                lon: number;
                /**
                 * Format: int64
                 * @description The number of state vectors.
                 */
                states: number;
            })[];
            to: components["schemas"]["UnixTime"];
        };
        /** @description The quality of the live picture. Times are Unix seconds. */
        Status: {
            /** @description Whether the traffic is not live; see `traffic`. */
            demonstration: boolean;
            /**
             * Format: int64
             * @description If `traffic` is `recorded`: the time of the newest recorded response. The times of the aircraft are shifted to
             *     the present.
             */
            recorded_at: number | null;
            source: components["schemas"]["Source"] | null;
            /** @description `live`, `simulated` (`serve --demo`) or `recorded` (`serve --replay`). */
            traffic: string;
        };
        /** @description The positions of one aircraft. */
        Track: {
            /** @description The number of states. */
            count: number;
            from: components["schemas"]["UnixTime"];
            icao24: components["schemas"]["Icao24"];
            /** @description The `cursor` of the next page; `null` on the last page. */
            next_cursor: string | null;
            /** @description Ordered by `time_position`, which is distinct for each state. */
            states: components["schemas"]["StateVector"][];
            to: components["schemas"]["UnixTime"];
        };
        /**
         * Format: int64
         * @description Seconds since 1970-01-01T00:00:00Z, negative before it: the unit of every time stamp OpenSky sends.
         * @example 1795472375
         */
        UnixTime: number;
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
