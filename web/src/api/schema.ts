// Generated from the server's OpenAPI description by `npm run api`. Do not edit.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description What the traffic is told by.
         * @enum {string}
         */
        By: "hour" | "country" | "cell";
        /** @description The live picture, or a part of it. */
        Flights: {
            /** @description How many states follow. */
            count: number;
            /** @description Ordered by aircraft. */
            states: components["schemas"]["StateVector"][];
            time: components["schemas"]["UnixTime"] | null;
        };
        /**
         * @description An ICAO 24-bit aircraft address, written as six lower-case hex digits (`3c6444`).
         * @example 3c6444
         */
        Icao24: string;
        /** @description An answer of the source. */
        LastAnswer: {
            /**
             * Format: int64
             * @description When it came.
             */
            at: number;
            /** @description How many states it held. */
            states: number;
        };
        /** @description An error answer: a problem document (RFC 9457). */
        Problem: {
            /** @description What was wrong, for people. */
            detail: string;
            /** @description The query parameter that is to blame. */
            parameter?: string;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description A few words for this kind of error, the same for each of its status. */
            title: string;
        };
        /** @description The source of the flights. */
        Source: {
            /**
             * Format: int32
             * @description Credits that it said are left until the next refill.
             */
            credits_left: number | null;
            last_answer: components["schemas"]["LastAnswer"] | null;
            /**
             * Format: int64
             * @description When an answer last held any states.
             */
            last_states_at: number | null;
            /**
             * Format: int64
             * @description The time of the next poll.
             */
            next_poll_at: number | null;
            /** @description Why it cannot be used, in a few words. */
            reason: string | null;
            /**
             * Format: int64
             * @description The time that its newest good answer gave.
             */
            response_time: number | null;
            /**
             * Format: int64
             * @description The start of this state.
             */
            since: number;
            /**
             * @description `not_yet_asked`, `live`, `rate_limited`, `refused`, `unavailable` or `malformed`; `paused` while the operator has
             *     paused polling.
             */
            state: string;
        };
        /**
         * @description What OpenSky knows of one aircraft at one moment; unknown is `None`, never 0.
         *
         *     Serialised, it is this project's JSON form of a state vector everywhere: Kafka values, SSE events, the API.
         *     The fields' meanings are those of the OpenSky REST API, "All State Vectors"; SI units, WGS-84 degrees, Unix seconds.
         *     Of its eighteen `sensors` is left out, the receivers' own numbers, which it sends to their owners alone; `observed_at`
         *     is the response's.
         */
        StateVector: {
            /**
             * Format: double
             * @description Barometric (pressure) altitude in metres.
             */
            baro_altitude: number | null;
            /** @description Without the padding around it; inner blanks stay. */
            callsign: string | null;
            /**
             * Format: int32
             * @description ADS-B emitter category, OpenSky's codes 0 to 20; other codes are kept as sent.
             */
            category: number | null;
            /**
             * Format: double
             * @description Geometric (GNSS) altitude above the WGS-84 ellipsoid in metres.
             */
            geo_altitude: number | null;
            /** @description The aircraft's ICAO 24-bit address. */
            icao24: components["schemas"]["Icao24"];
            /** @description When any message of the aircraft was last received. */
            last_contact: components["schemas"]["UnixTime"];
            /**
             * Format: double
             * @description Degrees north, −90 to 90.
             */
            lat: number | null;
            /**
             * Format: double
             * @description Degrees east, −180 to 180.
             */
            lon: number | null;
            observed_at: components["schemas"]["UnixTime"] | null;
            /** @description Whether the position comes from a surface report. `None` only in messages that lack the field. */
            on_ground: boolean | null;
            /** @description The country that the address is registered in. */
            origin_country: string | null;
            /**
             * Format: int32
             * @description 0 ADS-B, 1 ASTERIX, 2 MLAT, 3 FLARM; other codes are kept as sent.
             */
            position_source: number | null;
            /** @description Special purpose indicator. `None` only in messages that lack the field. */
            spi: boolean | null;
            /** @description The transponder code, four octal digits as sent. */
            squawk: string | null;
            time_position: components["schemas"]["UnixTime"] | null;
            /**
             * Format: double
             * @description Direction over ground in degrees clockwise from north, 0 ≤ track < 360.
             */
            true_track: number | null;
            /**
             * Format: double
             * @description Speed over ground in m/s.
             */
            velocity: number | null;
            /**
             * Format: double
             * @description m/s, positive when climbing.
             */
            vertical_rate: number | null;
        };
        /** @description The traffic of some hours. */
        Stats: {
            by: components["schemas"]["By"];
            /** @description How many rows follow. */
            count: number;
            from: components["schemas"]["UnixTime"];
            rows: ({
                /**
                 * Format: int64
                 * @description Different aircraft, a count; one of which two countries were told counts twice.
                 */
                aircraft: number;
                /** @description The beginning of the hour. */
                hour: components["schemas"]["UnixTime"];
                /**
                 * Format: int64
                 * @description State vectors, a count.
                 */
                states: number;
            } | {
                /**
                 * Format: int64
                 * @description Different aircraft, a count.
                 */
                aircraft: number;
                /** @description The beginning of the hour. */
                hour: components["schemas"]["UnixTime"];
                /** @description Where the addresses are registered; `None`: unknown. */
                origin_country?: string | null;
                /**
                 * Format: int64
                 * @description State vectors, a count.
                 */
                states: number;
            } | {
                /**
                 * Format: int64
                 * @description Different aircraft, a count.
                 */
                aircraft: number;
                /** @description The beginning of the hour. */
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
                 * @description State vectors, a count.
                 */
                states: number;
            })[];
            to: components["schemas"]["UnixTime"];
        };
        /** @description How good the live picture is. Times are Unix seconds. */
        Status: {
            /** @description Whether the traffic is anything but live. `traffic` says what it is. */
            demonstration: boolean;
            /**
             * Format: int64
             * @description When `traffic` is `recorded`: the time of the newest recorded response. The times of the aircraft are moved to the
             *     present.
             */
            recorded_at: number | null;
            source: components["schemas"]["Source"] | null;
            /** @description `live`, `simulated` (`serve --demo`) or `recorded` (`serve --replay`). */
            traffic: string;
        };
        /** @description The positions of one aircraft. */
        Track: {
            /** @description How many states follow. */
            count: number;
            from: components["schemas"]["UnixTime"];
            icao24: components["schemas"]["Icao24"];
            /** @description The `cursor` of the next part; `null` where this is the last. */
            next_cursor: string | null;
            /** @description Ordered by `time_position`, which is the time of its position and differs from state to state. */
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
