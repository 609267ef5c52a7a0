use std::collections::{BTreeMap, HashMap, HashSet};

use simulator::{Options, Sbs, Target};

use crate::{Client, NOON, Sky, everywhere, localhost, metres};

/// The fields of a line, with its time of day in seconds.
struct Line {
    fields: Vec<String>,
    number: u8,
    address: u32,
    time: f64,
}

impl Line {
    fn parse(line: &str) -> Self {
        let fields: Vec<String> = line.split(',').map(str::to_owned).collect();
        assert_eq!((fields.len(), fields[0].as_str()), (22, "MSG"), "{line}");
        let time: Vec<f64> = fields[7].split(':').map(|part| part.parse().unwrap()).collect();
        assert_eq!((&fields[6], &fields[7]), (&fields[8], &fields[9]));
        Self {
            number: fields[1].parse().unwrap(),
            address: u32::from_str_radix(&fields[4], 16).unwrap(),
            time: time[0] * 3_600.0 + time[1] * 60.0 + time[2],
            fields,
        }
    }

    fn number_at(&self, field: usize) -> f64 {
        self.fields[field].parse().unwrap_or_else(|error| panic!("{error}: {:?}", self.fields))
    }
}

impl Client {
    /// Reads complete lines until the time of day, in seconds, of one of them.
    fn lines_until(&mut self, time: f64) -> Vec<Line> {
        self.read_until("lines", |received| {
            let text = String::from_utf8_lossy(received);
            let last = text.strip_suffix("\r\n").and_then(|text| text.rsplit("\r\n").next());
            last.is_some_and(|line| Line::parse(line).time >= time)
        });
        let text = String::from_utf8(std::mem::take(&mut self.received)).unwrap();
        assert!(text.ends_with("\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']));
        text.split_terminator("\r\n").map(Line::parse).collect()
    }
}

/// 12:00:07.
const START: f64 = 43_207.0;

#[test]
fn each_message_has_only_the_fields_of_its_type() {
    let sky = Sky::of(200);
    let mut client = sky.connect(Target::Sbs);
    sky.clock.advance(10);
    let lines = client.lines_until(START + 9.9);
    assert!(lines.iter().all(|line| line.fields[6] == "2025/08/04" && line.time >= START));
    assert!(lines.windows(2).all(|pair| pair[0].time <= pair[1].time));
    // Callsign, altitude, speed, track, latitude, longitude, vertical rate, squawk, alert, emergency, SPI, on ground.
    let allowed: [(u8, &[usize]); 7] = [
        (1, &[10]),
        (2, &[11, 12, 13, 14, 15, 21]),
        (3, &[11, 14, 15, 18, 20, 21]),
        (4, &[12, 13, 16]),
        (5, &[11, 18, 20, 21]),
        (6, &[17, 18, 19, 20, 21]),
        (8, &[21]),
    ];
    for (number, fields) in allowed {
        let of_type: Vec<&Line> = lines.iter().filter(|line| line.number == number).collect();
        assert!(!of_type.is_empty(), "no MSG,{number}");
        for line in of_type {
            for field in 10..22 {
                assert!(line.fields[field].is_empty() || fields.contains(&field), "{:?}", line.fields);
            }
        }
    }
    assert!(lines.iter().any(|line| line.number == 2 && line.fields[21] == "-1"));
    assert!(lines.iter().any(|line| line.number == 3 && line.fields[21] == "0"));
}

#[test]
fn the_rates_are_those_of_ads_b_times_the_configured_fraction() {
    for (rate, seconds) in [(1.0, 20), (0.1, 50)] {
        let receiver = simulator::Receiver { message_rate: rate, ..everywhere() };
        let sky = Sky::start(Options { aircraft: 60, receiver, ..Options::default() });
        let mut client = sky.connect(Target::Sbs);
        sky.clock.advance(seconds);
        let lines = client.lines_until(START + seconds as f64 - 1.0);
        let mut counts: BTreeMap<(u32, u8), f64> = BTreeMap::new();
        for line in &lines {
            *counts.entry((line.address, line.number)).or_default() += 1.0 / (rate * seconds as f64);
        }
        for (number, expected) in [(3, 2.0), (4, 2.0), (1, 0.2), (8, 1.0)] {
            let of_type: Vec<f64> =
                counts.iter().filter(|((_, kind), _)| *kind == number).map(|(_, rate)| *rate).collect();
            let mean = of_type.iter().sum::<f64>() / of_type.len() as f64;
            assert!((mean / expected - 1.0).abs() < 0.2, "MSG,{number}: {mean} per second at {rate}");
        }
    }
}

#[test]
fn positions_are_those_of_states_all() {
    let sky = Sky::of(300);
    let mut client = sky.connect(Target::Sbs);
    sky.clock.advance(30);
    let lines = client.lines_until(START + 29.5);
    let mut worlds = HashMap::new();
    let mut compared = HashSet::new();
    let mut took_off_or_landed = 0;
    for line in lines.iter().filter(|line| matches!(line.number, 2 | 3)) {
        let second = NOON + (line.time - START).floor() as i64;
        let world = worlds.entry(second).or_insert_with(|| sky.world(second));
        let row = world.get(&format!("{:06x}", line.address)).filter(|row| row[3] == second);
        let Some(row) = row else { continue };
        let position = (line.number_at(14), line.number_at(15));
        let away = metres((row[6].as_f64().unwrap(), row[5].as_f64().unwrap()), position);
        let expected = row[9].as_f64().unwrap() * (line.time % 1.0);
        // Four decimals are up to 8 m.
        assert!((away - expected).abs() < 10.0 + 0.05 * expected, "{away} m, {expected}: {:?} {row}", line.fields);
        took_off_or_landed += usize::from((line.fields[21] == "-1") != (row[8] == true));
        if let Some(altitude) = row[7].as_f64().filter(|_| !line.fields[11].is_empty()) {
            assert!((line.number_at(11) * 0.3048 - altitude).abs() < 25.0);
        }
        compared.insert(line.address);
    }
    assert!(compared.len() > 100, "{}", compared.len());
    // Within the second of the message.
    assert!(took_off_or_landed < 5, "{took_off_or_landed}");
}

#[test]
fn times_are_local() {
    let sbs = Sbs { address: localhost(), utc_offset: 13 * 3_600 };
    let sky = Sky::start(Options { aircraft: 20, receiver: everywhere(), sbs: Some(sbs), ..Options::default() });
    let mut client = sky.connect(Target::Sbs);
    sky.clock.advance(1);
    let lines = client.lines_until(3_607.0);
    assert_eq!(lines[0].fields[6], "2025/08/05");
    assert!(lines[0].fields[7].starts_with("01:00:07."), "{:?}", lines[0].fields);
}

#[test]
fn the_record_has_what_was_sent() {
    let sky = Sky::of(50);
    let mut client = sky.connect(Target::Sbs);
    sky.clock.advance(5);
    let lines = client.lines_until(START + 4.5);
    let told = lines.iter().map(|line| (line.address, NOON + (line.time - START).floor() as i64));
    let told: HashSet<(u32, i64)> = told.filter(|(_, second)| *second < NOON + 4).collect();
    let recorded = sky.simulator.sent(Target::Sbs).states.into_iter();
    let recorded: HashSet<(u32, i64)> = recorded.filter(|(_, second)| *second < NOON + 4).collect();
    assert!(told.len() > 100, "{}", told.len());
    assert_eq!(told, recorded);
    assert!(sky.simulator.sent(Target::Beast).states.is_empty());
}
