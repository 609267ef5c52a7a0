//! Measures how fast history is read. Run with `make bench-history`, with PostgreSQL in `BENCH_DATABASE_URL` or
//! `TEST_DATABASE_URL` and Kafka in `TEST_KAFKA`.
//!
//! The data is one day of 10,000 aircraft polled every 43.2 s: 20 million rows, in the order in which they would have
//! arrived. `-- --quick` uses 2.4 hours of it. The server runs with the role `live`, so it only reads.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot continue has failed")]
#![allow(clippy::print_stdout, reason = "the table is the output")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use actors::domain::{Icao24, UnixTime};
use bench::machine;
use bench::server::Server;
use flight_monitor::storage::{DatabaseUrl, PositionsQuery, Storage, StorageOptions};
use tokio_postgres::{Client, NoTls};
use url::Url;

const AIRCRAFT: i64 = 10_000;
/// Number of polls in a day.
const POLLS: i64 = 2_000;
const DAY: i64 = 86_400;
/// The name of the database. It is kept between runs, since filling it takes some minutes.
const NAME: &str = "flight_monitor_bench_history";

/// The filled database.
struct Filled {
    url: Url,
    polls: i64,
    start: i64,
}

impl Filled {
    fn end(&self) -> i64 {
        self.start + DAY * self.polls / POLLS
    }

    fn hours(&self) -> i64 {
        (self.end() - self.start) / 3600
    }
}

/// Inserts aircraft that fly in circles. Fields have as many digits as the source's, and are unknown equally often.
const FILL: &str = "
INSERT INTO state_vectors (icao24, last_contact, time_position, observed_at, lat, lon, baro_altitude, geo_altitude,
    velocity, true_track, vertical_rate, position_source, category, on_ground, spi, callsign, squawk, origin_country)
SELECT lpad(to_hex(a * 1597), 6, '0'), to_timestamp(t - a % 10), to_timestamp(t - a % 10 - 1), to_timestamp(t),
    round((a % 120 - 60 + sin(p / 300.0 + a))::numeric, 4), round((a % 340 - 170 + cos(p / 300.0 + a))::numeric, 4),
    CASE WHEN a % 10 > 0 THEN round((3000 + a % 9000 + p % 50 * 7.62)::numeric, 2) END,
    CASE WHEN a % 10 > 0 THEN round((3100 + a % 9000 + p % 50 * 7.62)::numeric, 2) END,
    round((120 + a % 130 + p % 10 * 0.51)::numeric, 2), round((p * 1.2 + a)::numeric % 360, 2),
    round((p % 21 - 10)::numeric * 0.33, 2), 0, a % 8, a % 20 = 0, false, 'DLH' || a % 1000,
    CASE WHEN a % 2 = 0 THEN lpad((a % 7777)::text, 4, '0') END, 'Country ' || a % 120
FROM generate_series($1::bigint, $2::bigint) AS p, LATERAL (SELECT $3::bigint + p * 432 / 10) AS polled (t),
    generate_series(1, $4::bigint) AS a";

/// Fills the traffic summaries of each hour, as the server does after storing the rows.
const COUNT: &str = "
WITH counted AS (
    SELECT date_trunc('hour', last_contact, 'UTC') AS hour, origin_country, (floor(lat / 5) * 5)::smallint AS lat,
        (floor(lon / 5) * 5)::smallint AS lon, icao24, count(*) AS states
    FROM state_vectors GROUP BY 1, 2, 3, 4, 5
), by_cell AS (
    INSERT INTO traffic_by_cell SELECT hour, lat, lon, sum(states), count(*) FROM counted GROUP BY 1, 2, 3
)
INSERT INTO traffic_by_country SELECT hour, origin_country, sum(states), count(DISTINCT icao24) FROM counted GROUP BY 1, 2";

fn main() {
    let polls = if std::env::args().any(|argument| argument == "--quick") { POLLS / 10 } else { POLLS };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("{}; load {}", machine::description(), machine::load());
    let filled = runtime.block_on(fill(polls));
    runtime.block_on(queries(&filled));
    for (format, accept) in
        [("NDJSON", "application/x-ndjson"), ("CSV", "text/csv"), ("NDJSON", "application/x-ndjson")]
    {
        export(&filled, format, accept);
    }
    println!("load {}", machine::load());
}

async fn connect(url: &Url) -> Client {
    let (client, connection) = tokio_postgres::connect(url.as_str(), NoTls).await.unwrap();
    tokio::spawn(async move { connection.await.unwrap_or(()) });
    client
}

async fn fill(polls: i64) -> Filled {
    let server = ["BENCH_DATABASE_URL", "TEST_DATABASE_URL"].iter().find_map(|name| std::env::var(name).ok());
    let server = Url::parse(&server.unwrap_or_else(|| panic!("TEST_DATABASE_URL is not set"))).unwrap();
    let mut url = server.clone();
    url.set_path(NAME);
    let created = connect(&server).await.batch_execute(&format!("CREATE DATABASE {NAME}")).await;
    let began = Instant::now();
    if created.is_ok() {
        storage(&url).migrate().await.unwrap();
        let client = connect(&url).await;
        client.batch_execute("ALTER TABLE state_vectors DROP CONSTRAINT state_vectors_pkey").await.unwrap();
        let start = UnixTime::now().0 / 3600 * 3600 - DAY;
        for first in (0..polls).step_by(100) {
            client.execute(FILL, &[&first, &(first + 99), &start, &AIRCRAFT]).await.unwrap();
        }
        client.batch_execute("ALTER TABLE state_vectors ADD PRIMARY KEY (icao24, last_contact)").await.unwrap();
        client.batch_execute(COUNT).await.unwrap();
        client.batch_execute("VACUUM ANALYZE").await.unwrap();
    }
    let what = "SELECT count(*), extract(epoch FROM min(observed_at))::bigint,
        pg_size_pretty(pg_total_relation_size('state_vectors')) FROM state_vectors";
    let row = connect(&url).await.query_one(what, &[]).await.unwrap();
    let (rows, start, size): (i64, i64, String) = (row.get(0), row.get(1), row.get(2));
    println!("{rows} rows, {size}, ready after {:.0?}", began.elapsed());
    Filled { url, polls: rows / AIRCRAFT, start }
}

fn storage(url: &Url) -> Storage {
    Storage::open(&url.as_str().parse::<DatabaseUrl>().unwrap(), StorageOptions::default()).unwrap()
}

/// Times the queries, those for aircraft and bounding boxes 20 times each.
async fn queries(filled: &Filled) {
    let storage = storage(&filled.url);
    let mut times = Vec::new();
    for aircraft in (1..=20).map(|i| i * 431) {
        let query = PositionsQuery {
            icao24: Icao24::from_u32(aircraft * 1597),
            from: UnixTime(filled.start - 60),
            to: UnixTime(filled.end()),
            after: None,
            limit: 10_001,
        };
        let began = Instant::now();
        let positions = storage.positions(&query).await.unwrap();
        times.push(began.elapsed());
        assert_eq!(positions.len(), filled.polls as usize);
    }
    show(&format!("a track of {} positions", filled.polls), times);

    // The definition of the view, evaluated at the end of the day instead of now.
    let client = connect(&filled.url).await;
    let view: String = client.query_one("SELECT pg_get_viewdef('latest_states')", &[]).await.unwrap().get(0);
    let view = view.trim_end_matches(';').replace("now()", &format!("to_timestamp({})", filled.end()));
    let mut times = Vec::new();
    for south in -10..10 {
        let sql = format!(
            "SELECT * FROM ({view}) AS latest WHERE lat BETWEEN {south} AND {south} + 10 AND lon BETWEEN 5 AND 15"
        );
        let began = Instant::now();
        let rows = client.query(&sql, &[]).await.unwrap();
        times.push(began.elapsed());
        assert!(!rows.is_empty());
    }
    show("latest states in a box of 10 by 10 degrees", times);

    let [mut by_country, mut by_cell] = [Vec::new(), Vec::new()];
    for hour in 1..filled.hours() {
        let hour = UnixTime(filled.start + hour * 3600);
        let began = Instant::now();
        assert!(!storage.traffic_by_country(hour, hour, 10_000).await.unwrap().is_empty());
        by_country.push(began.elapsed());
        let began = Instant::now();
        assert!(!storage.traffic_by_cell(hour, hour, 10_000).await.unwrap().is_empty());
        by_cell.push(began.elapsed());
    }
    show("an hour's traffic by country", by_country);
    show("an hour's traffic by cell", by_cell);
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{what}: median {median:.1?}, slowest {slowest:.1?} of {}", times.len());
}

/// Exports half of the rows (ten million) through the server to a client that only counts them.
fn export(filled: &Filled, format: &str, accept: &str) {
    let kafka = std::env::var("TEST_KAFKA").unwrap_or_else(|_| panic!("TEST_KAFKA is not set"));
    let settings = [("DATABASE_URL", filled.url.to_string()), ("KAFKA_BOOTSTRAP_SERVERS", kafka)];
    let server = Server::start(&["--roles", "live"], &settings).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let ask = |from: i64, to: i64| {
        let mut socket = loop {
            match TcpStream::connect(server.address) {
                Ok(socket) => break socket,
                Err(error) if Instant::now() > deadline => panic!("{error}: {}", server.log()),
                Err(_) => thread::yield_now(),
            }
        };
        let path = format!("/api/v1/history?from={from}&to={to}");
        write!(socket, "GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: {accept}\r\nConnection: close\r\n\r\n").unwrap();
        socket
    };
    // Warm-up: from here on, everything that the first response allocates is in place.
    assert!(count(ask(filled.start, filled.start + 600)).0 > 0);
    let before = server.memory().unwrap().resident;
    let (ended, began) = (AtomicBool::new(false), Instant::now());
    let (rows, bytes, first, highest) = thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut highest = before;
            while !ended.load(Ordering::Relaxed) {
                highest = highest.max(server.memory().unwrap().resident);
                thread::park_timeout(Duration::from_millis(100));
            }
            highest
        });
        let (rows, bytes, first) = count(ask(filled.start - 60, filled.start.midpoint(filled.end())));
        ended.store(true, Ordering::Relaxed);
        (rows, bytes, first, watching.join().unwrap())
    });
    let (took, cpu) = (began.elapsed(), server.cpu().unwrap());
    println!(
        "{format}: {rows} rows, {} MB in {took:.1?}: {:.0} k rows/s, first byte after {first:.1?}; the server's memory grew by {:.1} MiB from {:.1}; {:.1} s of its time",
        bytes / 1_000_000,
        rows as f64 / took.as_secs_f64() / 1e3,
        (highest - before) as f64 / 1024.0,
        before as f64 / 1024.0,
        cpu.as_secs_f64(),
    );
}

/// Reads a chunked response to its end, and returns its rows, its bytes, and the time until the first one.
fn count(mut socket: TcpStream) -> (usize, usize, Duration) {
    let began = Instant::now();
    let (mut buffer, mut chunks, mut first) = (vec![0; 1 << 18], Chunks::default(), None);
    loop {
        let length = socket.read(&mut buffer).unwrap();
        if length == 0 {
            break;
        }
        first.get_or_insert_with(|| began.elapsed());
        chunks.take(&buffer[..length]);
    }
    assert!(chunks.ended, "the response is incomplete");
    (chunks.lines, chunks.bytes, first.unwrap())
}

/// Counts the lines and bytes of a chunked response (RFC 9112, section 7.1).
#[derive(Default)]
struct Chunks {
    /// The head of the response, and later of each chunk, as far as received.
    head: Vec<u8>,
    in_body: bool,
    /// Remaining bytes of the chunk, including the line end after it.
    left: usize,
    lines: usize,
    bytes: usize,
    ended: bool,
}

impl Chunks {
    fn take(&mut self, mut received: &[u8]) {
        while !received.is_empty() {
            if self.left > 0 {
                let (part, rest) = received.split_at(self.left.min(received.len()));
                // The last two bytes belong to the chunk's framing.
                let own = &part[..part.len() - (2 - (self.left - part.len()).min(2)).min(part.len())];
                self.lines += own.iter().filter(|byte| **byte == b'\n').count();
                self.bytes += own.len();
                (self.left, received) = (self.left - part.len(), rest);
                continue;
            }
            self.head.push(received[0]);
            received = &received[1..];
            let end: &[u8] = if self.in_body { b"\r\n" } else { b"\r\n\r\n" };
            let Some(head) = self.head.strip_suffix(end) else { continue };
            if self.in_body {
                let size = usize::from_str_radix(std::str::from_utf8(head).unwrap(), 16).unwrap();
                (self.left, self.ended) = (size + 2, size == 0);
            } else {
                assert!(head.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(head));
                self.in_body = true;
            }
            self.head.clear();
        }
    }
}
