//! The rows that the databases are filled with: aircraft that fly to and fro over Europe, each polled at the same
//! intervals. Numbers have as many digits as the source's, and are unknown equally often.

use std::fmt::Write as _;

use actors::domain::{Icao24, UnixTime};

/// The number of rows that one statement inserts, roughly.
const ROWS_PER_STATEMENT: i64 = 200_000;

/// Numbers of aircraft and of polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) aircraft: i64,
    pub(crate) polls: i64,
    /// The seconds between two polls.
    pub(crate) every: i64,
    /// The time of the first poll, in Unix seconds, on a full hour.
    pub(crate) start: i64,
}

/// How a database stores state vectors, and what its SQL differs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// As integers, since the seventh migration.
    ScaledPostgres,
    ScaledSqlite,
    /// As double precision and timestamps, before it: filled for a server of that time in `BENCH_SERVER`.
    Postgres,
    Sqlite,
}

impl Rows {
    pub(crate) fn new(rows: i64, hours: i64, every: i64) -> Self {
        let polls = hours * 3600 / every;
        let start = (UnixTime::now().0 / 3600 - hours) * 3600;
        Self { aircraft: (rows / polls).max(20), polls, every, start }
    }

    pub(crate) fn count(&self) -> i64 {
        self.aircraft * self.polls
    }

    /// Returns the end of the polls, in Unix seconds, exclusive.
    pub(crate) fn end(&self) -> i64 {
        self.start + self.polls * self.every
    }

    /// Returns the address of an aircraft, counted from 1.
    pub(crate) fn icao24(aircraft: i64) -> Icao24 {
        Icao24::from_u32(u32::try_from(aircraft * 1597).unwrap_or_default())
    }

    /// Returns the statements that create the table `bench_aircraft`, which the rows are composed from.
    pub(crate) fn aircraft(&self) -> String {
        let mut sql = String::from(
            "CREATE TABLE bench_aircraft (a integer, icao24 text, lat integer, lon integer, callsign text, squawk text,
                origin_country text);
            INSERT INTO bench_aircraft VALUES ",
        );
        for a in 1..=self.aircraft {
            let separator = if a > 1 { "," } else { "" };
            let (lat, lon) = (300_000 + a * 7919 % 4_000 * 100, a * 6007 % 6_000 * 100 - 200_000);
            let squawk = if a % 2 == 0 { format!("'{:04}'", a % 7777) } else { "NULL".to_owned() };
            let _ = write!(
                sql,
                "{separator}({a}, '{}', {lat}, {lon}, 'DLH{}', {squawk}, 'Country {}')",
                Self::icao24(a),
                a % 1000,
                a % 120
            );
        }
        sql
    }

    /// Returns the statements that insert the rows, in the order in which they would have arrived.
    pub(crate) fn inserts(&self, table: Table) -> impl Iterator<Item = String> {
        let each = (ROWS_PER_STATEMENT / self.aircraft).max(1);
        (0..).map(move |i| i * each).take_while(|first| *first < self.polls).map(move |first| {
            let last = (first + each).min(self.polls) - 1;
            table.insert(first, last, self.start, self.every)
        })
    }
}

impl Table {
    fn insert(self, first: i64, last: i64, start: i64, every: i64) -> String {
        let (name, seconds, number, degrees, time) = match self {
            Self::ScaledPostgres => ("state_vectors_scaled", "to_timestamp(@)", "@", "@ * 100", "@"),
            Self::ScaledSqlite => ("state_vectors_scaled", "@", "@", "@ * 100", "@"),
            Self::Postgres => (
                "state_vectors",
                "to_timestamp(@)",
                "@ / 100::float8",
                "@ / 10000::float8",
                "last_contact + @ * INTERVAL '1 second'",
            ),
            Self::Sqlite => ("state_vectors", "@", "@ / 100.0", "@ / 10000.0", "last_contact + @"),
        };
        let put = |template: &str, value: &str| template.replace('@', value);
        let [altitude, higher] = ["(300000", "(310000"].map(|from| {
            let metres = format!("{from} + a % 9000 * 100 + p % 50 * 762)");
            format!("CASE WHEN a % 10 > 0 THEN {} END", put(number, &metres))
        });
        format!(
            "WITH RECURSIVE polls (p) AS (
                SELECT CAST({first} AS bigint) UNION ALL SELECT p + 1 FROM polls WHERE p < {last}
            ), moments AS (
                SELECT p, aircraft.*, {last_contact} AS last_contact FROM polls CROSS JOIN bench_aircraft AS aircraft
            )
            INSERT INTO {name} (icao24, last_contact, time_position, observed_at, lat, lon, baro_altitude, geo_altitude,
                velocity, true_track, vertical_rate, position_source, category, on_ground, spi, callsign, squawk,
                origin_country)
            SELECT icao24, last_contact, {time_position}, {observed_at}, {lat}, {lon}, {altitude}, {higher}, {velocity},
                {track}, {rate}, 0, a % 8, a % 20 = 0, 1 = 0, callsign, squawk, origin_country
            FROM moments ORDER BY p, a",
            last_contact = put(seconds, &format!("(p * {every} + {start} - a % 10)")),
            time_position = put(time, "(-1)"),
            observed_at = put(time, "(a % 10)"),
            lat = put(degrees, "(lat + abs((p * 37 + a * 101) % 40000 - 20000))"),
            lon = put(degrees, "(lon + abs((p * 53 + a * 307) % 60000 - 30000))"),
            velocity = put(number, "(12000 + a % 130 * 100 + p % 10 * 51)"),
            track = put(number, "((p * 120 + a * 100) % 36000)"),
            rate = put(number, "((p % 21 - 10) * 33)"),
        )
    }

    /// Returns the statement that fills the traffic summaries, as the server does after storing the rows.
    pub(crate) fn summarize(self) -> [String; 3] {
        let (hour, lat, lon) = match self {
            Self::ScaledPostgres | Self::Postgres => {
                ("date_trunc('hour', last_contact, 'UTC')", "floor(lat / 5) * 5", "floor(lon / 5) * 5")
            }
            Self::ScaledSqlite | Self::Sqlite => (
                "last_contact - last_contact % 3600",
                "CAST((lat + 90) / 5 AS integer) * 5 - 90",
                "CAST((lon + 180) / 5 AS integer) * 5 - 180",
            ),
        };
        [
            format!(
                "CREATE TABLE bench_traffic AS
                SELECT {hour} AS hour, origin_country, {lat} AS lat, {lon} AS lon, icao24, count(*) AS states
                FROM state_vectors GROUP BY 1, 2, 3, 4, 5"
            ),
            "INSERT INTO traffic_by_cell SELECT hour, lat, lon, sum(states), count(*) FROM bench_traffic
            GROUP BY hour, lat, lon"
                .to_owned(),
            "INSERT INTO traffic_by_country SELECT hour, origin_country, sum(states), count(DISTINCT icao24)
            FROM bench_traffic GROUP BY hour, origin_country"
                .to_owned(),
        ]
    }
}
