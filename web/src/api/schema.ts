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
        /** @description What a source knew of one aircraft at one moment; unknown is `null`, never 0. SI units, WGS-84 degrees, Unix seconds. */
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
