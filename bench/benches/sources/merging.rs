//! What three sources that tell the same aircraft cost, compared with each of them alone.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bench::client::{Client, Event, pause};
use bench::report::Line;
use simulator::Simulator;

use crate::door::{Door, Merging, sky};

const AIRCRAFT: usize = 5_000;

/// A fraction of the real rate of messages: one position and one velocity of each aircraft every second.
const MESSAGE_RATE: f64 = 0.5;

/// Three sources may cost this many times as much as one.
const GOAL: f64 = 1.3;

const WARM_UP: Duration = Duration::from_secs(15);

/// What a server did.
struct Run {
    /// CPU time in microseconds for each published state.
    cost: f64,
    rate: f64,
    lines: Vec<Line>,
}

pub(crate) fn measure(quick: bool) -> anyhow::Result<Vec<Line>> {
    let (short, long) = if quick { (10, 20) } else { (120, 600) };
    let [short, long] = [short, long].map(Duration::from_secs);
    let sky = sky(AIRCRAFT, MESSAGE_RATE)?;
    let mut lines = Vec::new();
    let mut singles = Vec::new();
    for door in Door::ALL {
        let run = run(&sky, &[door], short)?;
        lines.push(Line::without_goal(format!("CPU of {} alone", door.kind()), run.summary()));
        singles.push(run.cost);
    }
    let lists = run(&sky, &[Door::List; 3], short)?;
    let times = lists.cost / singles[0];
    let figure = format!("{}, {times:.2} ×", lists.summary());
    lines.push(Line::new("CPU of three sources of kind readsb", format!("≤ {GOAL} × one"), figure, times <= GOAL));

    let mixed = run(&sky, &Door::ALL, long)?;
    let mean = singles.iter().sum::<f64>() / singles.len() as f64;
    let most = singles.iter().copied().fold(0.0, f64::max);
    let figure =
        format!("{}, {:.2} × the mean, {:.2} × the most", mixed.summary(), mixed.cost / mean, mixed.cost / most);
    let goal = format!("≤ {GOAL} × one");
    lines.push(Line::new("CPU of readsb, sbs and beast together", goal, figure, mixed.cost <= GOAL * mean));
    lines.extend(mixed.lines);
    sky.stop();
    Ok(lines)
}

impl Run {
    fn summary(&self) -> String {
        let Self { cost, rate, .. } = self;
        format!("{cost:.1} µs a state, {rate:.0} states/s, {:.0} % of a core", cost * rate / 1e4)
    }
}

fn run(sky: &Simulator, doors: &[Door], length: Duration) -> anyhow::Result<Run> {
    let kinds: Vec<_> = doors.iter().map(|door| door.kind()).collect();
    eprintln!("{} for {length:?} …", kinds.join(", "));
    let sources = doors.iter().map(|door| Ok((door.kind(), door.url(sky)?))).collect::<anyhow::Result<Vec<_>>>()?;
    let merging = Merging::start(&format!("merging_{}_{}", kinds[0], doors.len()), &sources)?;
    let deadline = Instant::now() + Duration::from_secs(60);
    while !merging.counter("states_changed_total").is_ok_and(|changed| changed >= AIRCRAFT as f64 * 0.9) {
        anyhow::ensure!(Instant::now() < deadline, "no states; the log ends with:\n{}", merging.server.log());
        pause(Duration::from_millis(200));
    }
    pause(WARM_UP);
    let client = Client::connect(merging.server.address)?;
    let (began, cpu, states) = (Instant::now(), merging.server.cpu()?, merging.counter("states_changed_total")?);
    pause(length);
    let cpu = merging.server.cpu()?.saturating_sub(cpu);
    let states = merging.counter("states_changed_total")? - states;
    let length = began.elapsed();
    let events = client.end()?;
    let Merging { server, database } = merging;
    server.stop()?;
    let lines = vec![about_rows(&database)?, about_times(&database)?, about_events(&events)];
    Ok(Run { cost: cpu.as_secs_f64() * 1e6 / states, rate: states / length.as_secs_f64(), lines })
}

fn about_rows(database: &bench::database::Database) -> anyhow::Result<Line> {
    let rows = database.rows();
    let distinct: i64 =
        database.value("SELECT count(*) FROM (SELECT DISTINCT icao24, last_contact FROM state_vectors) d")?;
    let goal = "rows = distinct (aircraft, second)";
    Ok(Line::new("the same: rows", goal, format!("{rows} rows, {distinct} distinct"), rows == distinct && rows > 0))
}

/// Looks for tracks that jump back: a position that is older than that of the state before it, or further away than an
/// aircraft flies (1 km/s) in the time between them.
fn about_times(database: &bench::database::Database) -> anyhow::Result<Line> {
    let older: i64 = database.value(
        "SELECT count(*) FROM (SELECT time_position < lag(time_position) OVER track AS older FROM state_vectors
         WINDOW track AS (PARTITION BY icao24 ORDER BY last_contact)) t WHERE older",
    )?;
    let far: i64 = database.value(
        "SELECT count(*) FROM (SELECT 111.2 * sqrt(power(lat - lag(lat) OVER track, 2)
           + power(cos(radians(lat)) * (lon - lag(lon) OVER track), 2)) AS km,
           extract(epoch FROM last_contact - lag(last_contact) OVER track) AS seconds
         FROM state_vectors WINDOW track AS (PARTITION BY icao24 ORDER BY last_contact)) t
         WHERE km > seconds + 1 AND km < 10000",
    )?;
    let figure = format!("{older} older positions, {far} jumps");
    Ok(Line::new("the same: tracks that jump back", "none", figure, older + far == 0))
}

fn about_events(events: &[Event]) -> Line {
    let mut newest = HashMap::new();
    let back = events.iter().filter(|event| {
        let before = newest.insert(event.icao24, event.last_contact);
        before.is_some_and(|before| before >= event.last_contact)
    });
    let back = back.count();
    let figure = format!("{} events, {back} repeated or older", events.len());
    Line::new("the same: events of a client", "none twice, none older", figure, back == 0)
}
