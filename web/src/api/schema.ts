// Generated from the server's OpenAPI description by `npm run api`. Do not edit.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description The state of one actor, as `/admin/actors` shows it. Times are Unix seconds with fractions. */
        ActorStatus: {
            last_error: components["schemas"]["LastError"] | null;
            /**
             * Format: double
             * @description When it last completed a unit of work.
             */
            last_progress: number | null;
            /** @description Its name. */
            name: string;
            /** @description What it last reported about its work. */
            observation: components["schemas"]["Observation"];
            /** @description What it is doing. */
            phase: components["schemas"]["Phase"];
            /**
             * Format: int64
             * @description How often it was restarted.
             */
            restarts: number;
            /**
             * Format: double
             * @description When that phase began.
             */
            since: number;
        };
        /** @description The aircraft table, from which registrations, types and operators are. */
        AircraftTableStatus: {
            /** @description The number of aircraft in it. */
            aircraft: number;
            /**
             * Format: int64
             * @description The number of invalid rows, which were left out.
             */
            bad_rows: number;
            /** @description Whether the file, as it is now, could not be loaded. The last table is then kept; the log has the reason. */
            failed: boolean;
            /**
             * Format: int64
             * @description When it was loaded; `null` if it never was.
             */
            loaded_at: number | null;
        };
        /**
         * @description Where an airport is from.
         * @enum {string}
         */
        AirportSource: "airports";
        /** @description An alert, as `docs/alerts.md` describes it. The members keep their order; new ones are added at the end. */
        Alert: {
            /** @description The same text as `meaning`. */
            detail: string;
            ended: components["schemas"]["UnixTime"] | null;
            icao24: components["schemas"]["Icao24"];
            /** @description The condition that is met, in words. */
            meaning: string;
            /** @description The name of the rule that raised the alert. */
            rule: string;
            /** @description The `last_contact` of `state`. */
            since: components["schemas"]["UnixTime"];
            /** @description The transponder code in `state`. */
            squawk: string | null;
            /** @description The first state that met the condition. */
            state: components["schemas"]["StateVector"];
        };
        /** @description Stored alerts. */
        Alerts: {
            /** @description The newest first: in descending order of `since`, `rule` and `icao24`. */
            alerts: components["schemas"]["Alert"][];
            /** @description The number of alerts. */
            count: number;
            from: components["schemas"]["UnixTime"];
            /** @description The `cursor` of the next page; `null` on the last page. */
            next_cursor: string | null;
            to: components["schemas"]["UnixTime"];
        };
        /** @description What a sink holds in memory, and what it has written. */
        BufferObservation: {
            /**
             * Format: int64
             * @description The total size of these files in bytes.
             */
            bytes: number;
            /**
             * Format: int64
             * @description Files written.
             */
            files: number;
            /**
             * Format: int64
             * @description When the last file was written, in Unix seconds.
             */
            last_flush: number | null;
            /**
             * Format: int64
             * @description The time of the oldest of them in Kafka, in Unix seconds.
             */
            oldest: number | null;
            /**
             * Format: int64
             * @description Records in memory that are not in a file yet.
             */
            records: number;
            /**
             * Format: int64
             * @description State vectors in these files.
             */
            rows: number;
        };
        /**
         * @description What sets the pause between two polls.
         * @enum {string}
         */
        CadenceReason: "interval" | "resolution" | "quota";
        /** @description When the sources observed the sky. */
        Coverage: components["schemas"]["CoveredTime"] & {
            from: components["schemas"]["UnixTime"];
            /** @description Where no source covers the sky, in order. */
            gaps: components["schemas"]["Gap"][];
            /**
             * Format: int32
             * @description Spans shorter than this many seconds are merged with the one before. Coarser than requested if there would be
             *     more than 10,000 spans.
             */
            resolution: number;
            /** @description Each source with records, by name. */
            sources: components["schemas"]["SourceCoverage"][];
            to: components["schemas"]["UnixTime"];
        };
        /** @description A span with one outcome, from `from` inclusive to `to` exclusive. */
        CoverageSpan: {
            from: components["schemas"]["UnixTime"];
            /** @description Whether the span is covered, a gap, or unknown. */
            observed: components["schemas"]["Observed"];
            /**
             * @description `live` and `quiet` cover the sky. `stale`, `malformed`, `rate_limited`, `refused`, `unavailable`, `paused` and
             *     `no_record` (the source was not polled) are gaps. `unknown` is neither.
             * @example live
             */
            outcome: string;
            to: components["schemas"]["UnixTime"];
        };
        /** @description How long the sky was observed, in seconds, before spans are merged. */
        CoveredTime: {
            /**
             * Format: double
             * @description Seconds that are covered.
             */
            covered: number;
            /**
             * Format: double
             * @description `covered` of the time that is known; `null` if nothing is.
             */
            fraction: number | null;
            /**
             * Format: double
             * @description Seconds in gaps.
             */
            gap: number;
            /**
             * Format: double
             * @description Seconds of which nothing is known.
             */
            unknown: number;
        };
        /** @description What the DbWriter reports about itself. Totals count from the start of the process. */
        DbWriterObservation: {
            /**
             * Format: int64
             * @description Stored records of alerts: beginnings and ends.
             */
            alerts: number;
            /**
             * Format: int64
             * @description Stored batches.
             */
            batches: number;
            /**
             * Format: int64
             * @description Rows that the table already had.
             */
            duplicates: number;
            /**
             * Format: int64
             * @description Rows deleted by retention.
             */
            expired: number;
            /**
             * Format: int64
             * @description Failed maintenance steps.
             */
            failed_maintenance: number;
            /**
             * Format: int64
             * @description Failed transactions and queries.
             */
            failed_tries: number;
            /**
             * Format: int64
             * @description Inserted rows.
             */
            inserted: number;
            /** @description The jobs that the database runs by itself. */
            jobs: components["schemas"]["StoreJob"][];
            /**
             * Format: double
             * @description The duration of storing it.
             */
            last_batch_seconds: number;
            /** @description States in the newest batch. */
            last_batch_states: number;
            /**
             * Format: double
             * @description The duration of the newest step.
             */
            last_maintenance_seconds: number;
            /**
             * Format: int64
             * @description Inserted records of polls.
             */
            polls: number;
        };
        /** @description What the Detector reports about itself. Totals count from the start of the process. */
        DetectorObservation: {
            /** @description Active alerts. */
            active: number;
            /** @description The number of them whose last records are being read again, after a change of the owner. */
            catching_up: number;
            /**
             * Format: int64
             * @description Published alerts that have ended.
             */
            ended: number;
            /**
             * Format: int64
             * @description Published states with what is known about their aircraft.
             */
            enriched: number;
            /**
             * Format: int64
             * @description Transactions that failed and were repeated.
             */
            failed_tries: number;
            /**
             * Format: int64
             * @description Transactions that were abandoned because the partitions had another owner.
             */
            fenced: number;
            /**
             * Format: int64
             * @description Records on Kafka that are not processed yet.
             */
            lag: number | null;
            /**
             * Format: int64
             * @description Offsets that Kafka had deleted before they were read.
             */
            lost_offsets: number;
            /** @description The partitions that it reads. */
            partitions: number[];
            /**
             * Format: int64
             * @description Records that were processed.
             */
            records: number;
            /**
             * Format: int64
             * @description Published alerts that have begun.
             */
            started: number;
            /**
             * Format: int64
             * @description Committed transactions.
             */
            transactions: number;
        };
        /**
         * @description Whether an endpoint accepts notifications.
         * @enum {string}
         */
        EndpointState: "delivering" | "retrying" | "refused";
        /**
         * @description Where a value is from that no source of state vectors reported.
         * @enum {string}
         */
        FactOrigin: "computed" | "table" | "airlines";
        /** @description Where each of the values is from. */
        FactSources: {
            airline?: components["schemas"]["FactOrigin"];
            country?: components["schemas"]["FactOrigin"];
            description?: components["schemas"]["FactOrigin"];
            military?: components["schemas"]["FactOrigin"];
            operator?: components["schemas"]["FactOrigin"];
            registration?: components["schemas"]["FactOrigin"];
            type?: components["schemas"]["FactOrigin"];
        };
        /** @description The live picture, or a part of it. */
        Flights: {
            /** @description The number of states. */
            count: number;
            /** @description Ordered by aircraft. */
            states: components["schemas"]["StateVector"][];
            time: components["schemas"]["UnixTime"] | null;
        };
        /** @description A gap, from `from` inclusive to `to` exclusive. */
        Gap: {
            from: components["schemas"]["UnixTime"];
            to: components["schemas"]["UnixTime"];
        };
        /**
         * @description What the traffic is grouped by.
         * @enum {string}
         */
        GroupBy: "hour" | "country" | "cell";
        /** @description Counts since the start of the process. */
        HubTotals: {
            /**
             * Format: int64
             * @description Clients disconnected because they read nothing for too long.
             */
            clients_evicted: number;
            /**
             * Format: int64
             * @description Clients rejected because a limit was reached.
             */
            clients_refused: number;
            /**
             * Format: int64
             * @description Clients that resumed where they had stopped.
             */
            resumed: number;
            /**
             * Format: int64
             * @description Sent snapshots.
             */
            snapshots: number;
            /**
             * Format: int64
             * @description States in them.
             */
            states: number;
            /**
             * Format: int64
             * @description States coalesced for slow clients.
             */
            states_skipped: number;
            /**
             * Format: int64
             * @description Published updates.
             */
            updates: number;
        };
        /**
         * @description An ICAO 24-bit aircraft address, written as six lower-case hex digits (`3c6444`).
         * @example 3c6444
         */
        Icao24: string;
        /** @description A change, as sent by `/admin/events`. */
        JournalEntry: components["schemas"]["JournalEvent"] & {
            /** @description The component that changed; `null`: the whole process. */
            actor: string | null;
            /**
             * Format: double
             * @description When it happened, in Unix seconds with fractions.
             */
            at: number;
            /**
             * Format: int64
             * @description Greater than the id of every earlier entry, also across restarts of the process as long as this machine's clock
             *     is right.
             */
            id: number;
        };
        /** @description What changed. */
        JournalEvent: {
            /** @description The previous phase. */
            from: components["schemas"]["Phase"];
            /** @enum {string} */
            kind: "phase";
            /** @description The error that caused it. */
            reason: string | null;
            /** @description The new phase. */
            to: components["schemas"]["Phase"];
        } | {
            /** @enum {string} */
            kind: "readiness";
            /** @description Whether it is ready. */
            ready: boolean;
            /** @description Why it is not ready. */
            reason: string | null;
        } | {
            /** @description The action. */
            action: string;
            /** @enum {string} */
            kind: "order";
        };
        /** @description What the KafkaProducer reports about itself. Totals count from the start of the process. */
        KafkaProducerObservation: {
            /**
             * Format: int64
             * @description Dead letters that Kafka acknowledged.
             */
            dead_letters: number;
            /**
             * Format: int64
             * @description States dropped because they were too old or the backlog was full.
             */
            dropped: number;
            /**
             * Format: int64
             * @description Publications that failed and are retried.
             */
            failed_tries: number;
            /** @description States not acknowledged yet. */
            held: number;
            /** @description Their memory in bytes. */
            held_bytes: number;
            /**
             * Format: int64
             * @description Records of polls that Kafka acknowledged.
             */
            polls: number;
            /**
             * Format: int64
             * @description Records of polls dropped because too many were waiting.
             */
            polls_dropped: number;
            /** @description Records of polls not acknowledged yet. */
            polls_held: number;
            /**
             * Format: int64
             * @description States that Kafka acknowledged.
             */
            published: number;
        };
        /** @description What is known about one aircraft. Unknown members are left out. */
        KnownAircraft: {
            /** @description The airline of the callsign, which may fly with an aircraft of another operator. */
            airline?: string;
            /** @description The state to which ICAO assigned the address. */
            country?: string;
            /** @description Manufacturer and model. */
            description?: string;
            icao24: components["schemas"]["Icao24"];
            /** @description Only for military aircraft. */
            military?: boolean;
            /** @description The operator, or the owner. */
            operator?: string;
            registration?: string;
            sources: components["schemas"]["FactSources"];
            /** @description ICAO type designator. */
            type?: string;
        };
        /** @description Aircraft of the live picture of which something is known. */
        KnownAircraftList: {
            /** @description Ordered by address. */
            aircraft: components["schemas"]["KnownAircraft"][];
            /** @description The number of aircraft. */
            count: number;
        };
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
        /** @description The newest error of an actor. */
        LastError: {
            /**
             * Format: double
             * @description When it happened, in Unix seconds with fractions.
             */
            at: number;
            /** @description What failed and why. */
            message: string;
        };
        /**
         * @description The lifecycle of the process, which only moves forward.
         * @enum {string}
         */
        Lifecycle: "serving" | "draining" | "drained";
        /** @description What the live KafkaConsumer reports about itself. Totals count from the start of the process. */
        LiveObservation: {
            /**
             * Format: int64
             * @description Records on Kafka that the SseHub has not received yet.
             */
            lag: number | null;
            /**
             * Format: int64
             * @description Offsets that Kafka had deleted before they were read.
             */
            lost_offsets: number;
            /** @description The number of partitions that it reads. */
            partitions: number;
            /**
             * Format: int64
             * @description Records that the SseHub received.
             */
            records: number;
            /**
             * Format: int64
             * @description The number of times that it reread its window for a restarted SseHub.
             */
            rewinds: number;
        };
        /** @description What the Merger reports about itself. Totals count from the start of the process. */
        MergerObservation: {
            /** @description Aircraft whose newest state it remembers. */
            aircraft_known: number;
            /** @description States waiting in the KafkaProducer. */
            held_by_producer: number;
            /**
             * Format: int64
             * @description Merged responses of all sources.
             */
            snapshots: number;
            /**
             * Format: int64
             * @description States that it passed on.
             */
            states: number;
        };
        /** @description The actor has not started yet. */
        NoObservation: Record<string, never>;
        /** @description What the Notifier of an endpoint reports about itself. Totals count from the start of the process. */
        NotifierObservation: {
            /**
             * Format: int64
             * @description Notifications that could not be delivered and became dead letters.
             */
            dead_letters: number;
            /**
             * Format: int64
             * @description Delivered notifications.
             */
            delivered: number;
            /**
             * Format: int64
             * @description Attempts that failed.
             */
            failed_tries: number;
            /** @description The kind of the endpoint. */
            kind: string;
            oldest_waiting: components["schemas"]["UnixTime"] | null;
            /** @description The partitions of the topic of alerts that this process delivers. */
            partitions: number;
            /**
             * Format: int64
             * @description Records that are not delivered on purpose: those of other rules, and tombstones.
             */
            passed_over: number;
            /** @description Why it does not accept notifications. */
            reason: string | null;
            /** @description Whether the endpoint accepts notifications. */
            state: components["schemas"]["EndpointState"];
            /** @description When it entered that state, in Unix seconds. */
            state_since: components["schemas"]["UnixTime"];
            /** @description Records that were read and not delivered yet. More may wait on Kafka. */
            waiting: number;
        };
        /** @description What an actor last reported about its work. In JSON it is a plain object, without a tag. */
        Observation: components["schemas"]["NoObservation"] | components["schemas"]["PollerObservation"] | components["schemas"]["MergerObservation"] | components["schemas"]["KafkaProducerObservation"] | components["schemas"]["StoreObservation"] | components["schemas"]["DbWriterObservation"] | components["schemas"]["LiveObservation"] | components["schemas"]["SseHubObservation"] | components["schemas"]["DetectorObservation"] | components["schemas"]["NotifierObservation"];
        /**
         * @description Whether the sky was observed.
         * @enum {string}
         */
        Observed: "covered" | "gap" | "unknown";
        /** @description The number of rows of a response that were not published, by reason. */
        PassedOver: {
            /**
             * Format: int64
             * @description The address and `last_contact` of an earlier row of the response, with other values: two transmitters, such as
             *     ADS-B and FLARM, share the address.
             */
            duplicate_address: number;
            /**
             * Format: int64
             * @description A `last_contact` before that of the published state.
             */
            older: number;
            /**
             * Format: int64
             * @description The aircraft is reported by another source, with a higher priority or a newer state.
             */
            other_source: number;
            /**
             * Format: int64
             * @description The `last_contact` of the published state, with other values: the source corrected it.
             */
            revised: number;
            /**
             * Format: int64
             * @description The same `last_contact` and values as the published state.
             */
            unchanged: number;
        };
        /**
         * @description Consecutive states of one aircraft: from the first in the air to the first on the ground, or the last before a gap
         *     or a change of the callsign.
         */
        PastFlight: {
            arrival: components["schemas"]["ProbableAirport"] | null;
            /** @description The first callsign sent. */
            callsign: string | null;
            departure: components["schemas"]["ProbableAirport"] | null;
            /**
             * Format: double
             * @description Metres: the sum of the great-circle distances between successive positions.
             */
            distance: number;
            /**
             * Format: double
             * @description The first known position, degrees north.
             */
            first_lat: number | null;
            /**
             * Format: double
             * @description The first known position, degrees east.
             */
            first_lon: number | null;
            /** @description `last_contact` of its first state. */
            first_seen: components["schemas"]["UnixTime"];
            /**
             * Format: double
             * @description Metres: barometric, or geometric for states without a barometric altitude.
             */
            highest_altitude: number | null;
            icao24: components["schemas"]["Icao24"];
            /** @description Whether the last state is on the ground. */
            landed: boolean;
            /**
             * Format: double
             * @description The last known position, degrees north.
             */
            last_lat: number | null;
            /**
             * Format: double
             * @description The last known position, degrees east.
             */
            last_lon: number | null;
            /** @description `last_contact` of its last state so far. */
            last_seen: components["schemas"]["UnixTime"];
            /**
             * Format: int64
             * @description The number of state vectors.
             */
            states: number;
        };
        /** @description Past flights. */
        PastFlights: {
            /** @description The number of flights. */
            count: number;
            /** @description Ordered by `first_seen`, then by `icao24`. */
            flights: components["schemas"]["PastFlight"][];
            from: components["schemas"]["UnixTime"];
            /** @description The `cursor` of the next page; `null` on the last page. */
            next_cursor: string | null;
            to: components["schemas"]["UnixTime"];
        };
        /** @enum {string} */
        Paused: "paused";
        /**
         * @description What an actor is doing.
         * @enum {string}
         */
        Phase: "starting" | "running" | "stalled" | "backing_off" | "paused" | "restarting" | "draining" | "finished" | "failed";
        /** @description What the Poller reports about itself and its source: the admin page shows all of it, `/api/v1/status` a part. */
        PollerObservation: {
            /** @description The number of aircraft whose newest state is from this source. */
            aircraft_held: number;
            /** @description Aircraft whose newest state, from any source, is remembered. */
            aircraft_known: number;
            answered_at: components["schemas"]["UnixTime"] | null;
            /**
             * Format: int64
             * @description Bad rows in all responses.
             */
            bad_rows: number;
            /** @description The number of its states that were published. */
            changed: number;
            /**
             * Format: int32
             * @description Credits left, if the source reports them.
             */
            credits_left: number | null;
            /**
             * Format: int64
             * @description Polls that failed.
             */
            failed_polls: number;
            /** @description States waiting in the KafkaProducer. */
            held_by_producer: number;
            last_states_at: components["schemas"]["UnixTime"] | null;
            next_poll_at: components["schemas"]["UnixTime"] | null;
            next_poll_reason: components["schemas"]["CadenceReason"] | null;
            /**
             * Format: double
             * @description The pause before the next poll.
             */
            next_poll_seconds: number;
            /** @description Its other states, by reason. */
            passed_over: components["schemas"]["PassedOver"];
            /**
             * Format: int64
             * @description Completed polls.
             */
            polls: number;
            /** @description Why the source cannot be used, without details that are not public. The actor's last error has them. */
            reason: string | null;
            response_time: components["schemas"]["UnixTime"] | null;
            /** @description The state of the source. */
            source: components["schemas"]["SourceState"];
            source_since: components["schemas"]["UnixTime"] | null;
            /** @description The number of states in that response. */
            states: number;
        };
        /** @description An airport that follows from a position. */
        ProbableAirport: {
            /**
             * Format: double
             * @description Metres between the position and the airport.
             */
            distance: number;
            /**
             * Format: double
             * @description Metres of the position above the airport; `null` if the altitude is unknown.
             */
            height: number | null;
            /** @description IATA code. */
            iata: string | null;
            /** @description ICAO code, or a code of the same kind for an airfield without one. */
            icao: string;
            name: string;
            source: components["schemas"]["AirportSource"];
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
        /** @description A rule whose condition a row meets, or may meet. */
        RowAlert: {
            /** @description The condition that is met, in words; `null` if the row lacks the fields to tell. */
            meaning: string | null;
            /** @description The rule's name. */
            rule: string;
        };
        /** @description The rules, and the files from which they are read. */
        RuleFilesStatus: {
            /** @description Whether the files, as they are now, are invalid. The last rules are then kept; the log has the reasons. */
            failed: boolean;
            /** @description The number of their fences. */
            fences: number;
            /**
             * Format: int64
             * @description When they were read.
             */
            loaded_at: number | null;
            /** @description The number of rules that are applied, the built-in one included. */
            rules: number;
        };
        /** @description A source of the flights. */
        Source: {
            /** @description The number of aircraft whose newest state is from this source. */
            aircraft: number;
            /**
             * Format: int32
             * @description Credits left until the next refill, as reported by the source.
             */
            credits_left: number | null;
            /** @description Its kind: `opensky`, `readsb`, ... */
            kind: string;
            last_answer: components["schemas"]["LastAnswer"] | null;
            /**
             * Format: int64
             * @description When a response last contained any states.
             */
            last_states_at: number | null;
            /** @description Its name, which its state vectors carry as `source`. */
            name: string;
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
            state: components["schemas"]["SourceOrPaused"];
        };
        /** @description When one source observed the sky. */
        SourceCoverage: components["schemas"]["CoveredTime"] & {
            /**
             * Format: int64
             * @description The polls that it answered.
             */
            answered: number;
            /** @description The bounding box that is polled (lamin,lomin,lamax,lomax); `null` for everything that the source reports. */
            area: string | null;
            /**
             * Format: int64
             * @description Rows that are not valid state vectors.
             */
            bad_rows: number;
            /**
             * Format: int64
             * @description State vectors that were published.
             */
            changed: number;
            /** @description The kind of the source; `null` without a record in the period. */
            kind: string | null;
            /**
             * Format: int64
             * @description Its polls in the period.
             */
            polls: number;
            /** @description The start of its oldest record. Before it, the outcome is `unknown`. */
            since: components["schemas"]["UnixTime"];
            source: string;
            /** @description Consecutive spans, from `from` to `to`. */
            spans: components["schemas"]["CoverageSpan"][];
        };
        /** @description The state of the source; `paused` while the operator has paused polling. */
        SourceOrPaused: components["schemas"]["SourceState"] | components["schemas"]["Paused"];
        /**
         * @description The state of a source.
         * @enum {string}
         */
        SourceState: "not_yet_asked" | "live" | "quiet" | "stale" | "rate_limited" | "refused" | "unavailable" | "malformed";
        /** @description What the SseHub reports about itself. */
        SseHubObservation: components["schemas"]["HubTotals"] & {
            /** @description Aircraft in the picture. */
            aircraft: number;
            /** @description Connected clients. */
            clients: number;
            /** @description Clients with unsent events. */
            clients_behind: number;
            observed_at: components["schemas"]["UnixTime"] | null;
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
            /** @description Name of the configured source that reported this state. Unknown in messages of other producers. */
            source: string | null;
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
                origin_country: string | null;
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
            aircraft_table: components["schemas"]["AircraftTableStatus"] | null;
            /** @description Whether the traffic is not live; see `traffic`. */
            demonstration: boolean;
            /**
             * Format: int64
             * @description If `traffic` is `recorded`: the time of the newest recorded response. The times of the aircraft are shifted to
             *     the present.
             */
            recorded_at: number | null;
            rules: components["schemas"]["RuleFilesStatus"] | null;
            source: components["schemas"]["Source"] | null;
            /** @description All sources of this process, in the order of the configuration; empty where another process polls. */
            sources: components["schemas"]["Source"][];
            traffic: components["schemas"]["TrafficKind"];
        };
        /** @description A background job of the database, and the outcome of its last runs. */
        StoreJob: {
            /**
             * Format: int64
             * @description Failed runs since the last success.
             */
            consecutive_failures: number;
            /**
             * Format: int64
             * @description Failed runs in total.
             */
            failures: number;
            /**
             * Format: int64
             * @description The interval between runs in seconds.
             */
            interval: number;
            /** @description The error of the last run, if that failed. */
            last_error: string | null;
            /**
             * Format: int64
             * @description When it last succeeded, in Unix seconds; `null` if it never has.
             */
            last_success: number | null;
            /** @description Its action: `compression`, `retention` or `refresh`. */
            policy: string;
            /** @description The table that it processes. */
            table: string;
        };
        /** @description What a storing KafkaConsumer, or one that writes to a sink, reports about itself. Totals count from the start of the process. */
        StoreObservation: {
            buffer: components["schemas"]["BufferObservation"] | null;
            /**
             * Format: int64
             * @description Records that cannot be stored. The storing consumer publishes them as dead letters; a sink skips them.
             */
            dead_letters: number;
            /**
             * Format: int64
             * @description Batch parts that another writer had stored before.
             */
            fenced: number;
            /**
             * Format: int64
             * @description Records on Kafka that are not stored yet.
             */
            lag: number | null;
            /**
             * Format: int64
             * @description Offsets that Kafka had deleted before they were read.
             */
            lost_offsets: number;
            /** @description The partitions that it reads. */
            partitions: number[];
            /**
             * Format: int64
             * @description Records that were stored, or cannot be.
             */
            records: number;
        };
        /** @description The outcome of a test message. */
        TestOutcome: {
            /** @description Whether the endpoint accepted it. */
            delivered: boolean;
            /** @description Why it did not. */
            error: string | null;
            /** @description The id of the notification, as the endpoint received it. */
            id: string;
            /**
             * Format: double
             * @description How long the attempt took.
             */
            seconds: number;
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
         * @description Where the traffic comes from.
         * @enum {string}
         */
        TrafficKind: "live" | "simulated" | "recorded";
        /**
         * Format: int64
         * @description Seconds since 1970-01-01T00:00:00Z, negative before it: the unit of every timestamp that OpenSky sends.
         * @example 1795472375
         */
        UnixTime: number;
        /** @description The data of a `vitals` event. */
        VitalsEvent: {
            actors: components["schemas"]["ActorStatus"][];
            /**
             * Format: double
             * @description When it was written, in Unix seconds.
             */
            at: number;
            course: components["schemas"]["Lifecycle"];
            /**
             * Format: int64
             * @description The resident memory of the process.
             */
            memory_bytes: number | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
