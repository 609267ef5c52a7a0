//! Generates a dump of state vectors in OpenSky's form, and a checksum of the rows that a database must have afterwards.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

const HEADER: &str = "time,icao24,lat,lon,velocity,heading,vertrate,callsign,onground,alert,spi,squawk,baroaltitude,\
                      geoaltitude,lastposupdate,lastcontact";

const AIRCRAFT: u32 = 10_000;

/// One second in this many, an aircraft is not heard, and its row repeats the previous one.
const SILENT: i64 = 5;

/// The number of rows, and sums that bind the values of each row to its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checksum {
    pub(crate) rows: i64,
    pub(crate) keys: i64,
    pub(crate) positions: i64,
    pub(crate) numbers: i64,
}

impl Checksum {
    /// Computes the same from the table.
    pub(crate) const SQL: &str = "SELECT count(*),
         sum(('x' || icao24)::bit(24)::int::bigint * (extract(epoch FROM last_contact)::bigint % 1009))::bigint,
         sum((lat::bigint * 3 + lon) * (extract(epoch FROM last_contact)::bigint % 101))::bigint,
         sum(velocity::bigint * 3 + true_track::bigint * 5 + vertical_rate::bigint * 7 + baro_altitude::bigint * 11
             + geo_altitude::bigint * 13 + (time_position * 17) + (observed_at * 19) + squawk::bigint
             + CASE WHEN on_ground THEN 23 ELSE 29 END)::bigint
         FROM state_vectors_scaled";

    fn add(&mut self, icao24: u32, state: &State, time: i64) {
        let scaled = |number: f64, scale: f64| (number * scale).round() as i64;
        self.rows += 1;
        self.keys += i64::from(icao24) * (state.heard % 1009);
        self.positions += (scaled(state.lat, 1e6) * 3 + scaled(state.lon, 1e6)) * (state.heard % 101);
        let [velocity, track, rate, baro, geo] = state.numbers.map(|number| scaled(number, 100.0));
        // The position is a second older, or in the same second.
        let position = if state.fraction < 30 { -1 } else { 0 };
        self.numbers += velocity * 3 + track * 5 + rate * 7 + baro * 11 + geo * 13 + position * 17;
        self.numbers += (time - state.heard) * 19 + state.squawk + if state.on_ground { 23 } else { 29 };
    }
}

pub(crate) struct Dump {
    /// The number of rows of the file, with those that repeat the one before.
    pub(crate) file_rows: u64,
    pub(crate) checksum: Checksum,
}

/// The state of an aircraft when it was heard.
struct State {
    heard: i64,
    /// Hundredths of a second.
    fraction: i64,
    lat: f64,
    lon: f64,
    /// Velocity, track, vertical rate, barometric and geometric altitude.
    numbers: [f64; 5],
    squawk: i64,
    on_ground: bool,
}

impl State {
    /// Returns the state of an aircraft in a second, with as many digits as OpenSky's have.
    fn new(aircraft: u32, heard: i64) -> Self {
        let mut seed = (u64::from(aircraft) << 40) ^ heard.cast_unsigned();
        let mut next = || {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        };
        Self {
            heard,
            fraction: (next() * 100.0) as i64,
            lat: next() * 170.0 - 85.0,
            lon: next() * 360.0 - 180.0,
            numbers: [next() * 300.0, next() * 359.9, next() * 40.0 - 20.0, next() * 12_000.0, next() * 12_000.0],
            squawk: (next() * 7_000.0) as i64,
            on_ground: next() < 0.1,
        }
    }

    fn write(&self, time: i64, icao24: u32, into: &mut impl Write) -> io::Result<()> {
        let Self { heard, fraction, lat, lon, numbers: [velocity, track, rate, baro, geo], squawk, on_ground } = self;
        let ground = if *on_ground { "True" } else { "False" };
        let position = *heard as f64 + *fraction as f64 / 100.0 - 0.3;
        writeln!(
            into,
            "{time},{icao24:06x},{lat},{lon},{velocity},{track},{rate},DLH{:<5},{ground},False,False,{squawk:04},{baro},\
             {geo},{position:.3},{heard}.{fraction:02}",
            icao24 % 10_000,
        )
    }
}

/// Writes the rows of some seconds.
fn write(seconds: std::ops::Range<i64>, last: &mut [i64], dump: &mut Dump, into: &mut impl Write) -> io::Result<()> {
    writeln!(into, "{HEADER}")?;
    for time in seconds {
        for (aircraft, last) in (0..AIRCRAFT).zip(last.iter_mut()) {
            let is_silent = (time + i64::from(aircraft)) % SILENT == 0;
            let heard = if is_silent { time - 1 } else { time };
            let icao24 = 0x3c_0000 + aircraft * 37;
            let state = State::new(aircraft, heard);
            state.write(time, icao24, into)?;
            dump.file_rows += 1;
            if *last != heard {
                *last = heard;
                dump.checksum.add(icao24, &state, time);
            }
        }
    }
    Ok(())
}

/// Writes a file with at least this many distinct states.
pub(crate) fn write_csv(path: &Path, start: i64, states: i64) -> io::Result<Dump> {
    let mut dump = Dump { file_rows: 0, checksum: Checksum::default() };
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    write(start..start + seconds(states), &mut [0; AIRCRAFT as usize], &mut dump, &mut file)?;
    file.flush()?;
    Ok(dump)
}

/// Writes the same as an archive of gzipped files, as OpenSky publishes its dumps.
pub(crate) fn write_tar(path: &Path, start: i64, states: i64) -> io::Result<Dump> {
    let mut dump = Dump { file_rows: 0, checksum: Checksum::default() };
    let mut archive = File::create(path)?;
    let (mut last, end) = ([0; AIRCRAFT as usize], start + seconds(states));
    let part = seconds(states) / 4 + 1;
    for (index, from) in (start..end).step_by(part as usize).enumerate() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        write(from..(from + part).min(end), &mut last, &mut dump, &mut gzip)?;
        append(&mut archive, &format!("states_{index:02}.csv.gz"), &gzip.finish()?)?;
    }
    archive.write_all(&[0; 1_024])?;
    Ok(dump)
}

fn seconds(states: i64) -> i64 {
    states * SILENT / (i64::from(AIRCRAFT) * (SILENT - 1)) + 1
}

/// Appends a file to a tar archive.
fn append(archive: &mut impl Write, name: &str, content: &[u8]) -> io::Result<()> {
    let mut header = [0; 512];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(124, format!("{:011o}\0", content.len()).as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    archive.write_all(&header)?;
    archive.write_all(content)?;
    archive.write_all(&vec![0; content.len().next_multiple_of(512) - content.len()])
}
