//! Encodes aircraft in readsb's JSON format, as in its README-json.md: keys without a value are missing.

use crate::receiver::{Heard, feet, feet_per_minute, is_emergency, knots};
use crate::rows::{Row, push_decimal, push_hex, push_integer, push_octal};

/// Metres in a nautical mile.
pub(crate) const NAUTICAL_MILE: f64 = 1_852.0;
/// Resolution of geometric altitude, in feet.
const GEOMETRIC_STEP: i64 = 25;
/// One aircraft in this many is also tracked by a ground radar, which reports it under an address of its own.
const TRACK_FILES: u64 = 40;

/// Distance in nautical miles and bearing in degrees from the centre of a query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Away {
    pub(crate) distance: f64,
    pub(crate) bearing: f64,
}

/// The array of aircraft under construction.
#[derive(Debug)]
pub(crate) struct AircraftArray {
    json: Vec<u8>,
    /// Unix milliseconds.
    now: i64,
    /// Milliseconds since the receiver was switched on, times messages per millisecond.
    messages_per_aircraft: i64,
    entries: usize,
    /// Address and second of the last message of every aircraft.
    told: Vec<(u32, i64)>,
}

impl AircraftArray {
    pub(crate) fn new(now: i64, messages_per_aircraft: i64) -> Self {
        Self { json: vec![b'['], now, messages_per_aircraft, entries: 0, told: Vec::new() }
    }

    /// Appends an aircraft and, for a few, its radar track.
    pub(crate) fn push(&mut self, heard: &Heard<'_>, away: Option<Away>) {
        self.next();
        self.told.push((heard.address, heard.last_message.div_euclid(1_000)));
        self.identity(heard);
        self.movement(heard);
        if let Some(squawk) = heard.squawk {
            self.key("squawk");
            self.json.push(b'"');
            push_octal(&mut self.json, squawk);
            self.json.push(b'"');
            if heard.has_adsb {
                self.text("emergency", emergency(squawk));
            }
        }
        if let Some(category) = heard.category {
            self.text("category", category_code(category));
        }
        self.position(heard, if heard.has_adsb { "186" } else { "0" });
        if heard.has_adsb {
            self.json.extend_from_slice(
                br#","version":2,"nic_baro":1,"nac_p":9,"nac_v":1,"sil":3,"sil_type":"perhour","gva":2,"sda":2"#,
            );
        }
        self.key("alert");
        self.json.push(b'0' + u8::from(is_emergency(heard.squawk)));
        self.key("spi");
        self.json.push(b'0' + u8::from(heard.now.spi));
        self.lists(if heard.is_mlat { r#""gs","track","baro_rate","lat","lon","nic","rc""# } else { "" }, "");
        self.reception(heard, away);

        if heard.has_adsb && heard.salt.is_multiple_of(TRACK_FILES) && heard.position.is_some() {
            self.track_file(heard, away);
        }
    }

    pub(crate) fn raw(&mut self, entry: &str) {
        self.next();
        self.json.extend_from_slice(entry.as_bytes());
    }

    /// Returns the number of entries.
    pub(crate) fn entries(&self) -> usize {
        self.entries
    }

    /// Returns the array, and address and second of every aircraft.
    pub(crate) fn finish(mut self) -> (Vec<u8>, Vec<(u32, i64)>) {
        self.json.push(b']');
        (self.json, self.told)
    }

    fn next(&mut self) {
        if self.entries > 0 {
            self.json.extend_from_slice(b",\n");
        }
        self.entries += 1;
    }

    /// Appends what a radar's track file says: a position under an address that is not the aircraft's.
    fn track_file(&mut self, heard: &Heard<'_>, away: Option<Away>) {
        self.next();
        self.json.extend_from_slice(br#"{"hex":"~"#);
        push_hex(&mut self.json, (heard.salt >> 8) as u32 & 0xff_ffff);
        self.json.extend_from_slice(br#"","type":"tisb_trackfile""#);
        self.movement(heard);
        self.position(heard, "926");
        self.lists("", r#""altitude","gs","track","lat","lon","nic","rc""#);
        self.reception(heard, away);
    }

    fn identity(&mut self, heard: &Heard<'_>) {
        self.json.extend_from_slice(br#"{"hex":""#);
        push_hex(&mut self.json, heard.address);
        self.json.extend_from_slice(br#"","type":""#);
        self.json.extend_from_slice(match heard {
            Heard { has_adsb: true, .. } => b"adsb_icao\"",
            Heard { is_mlat: true, .. } => b"mlat\"",
            _ => b"mode_s\"",
        });
        if let Some(callsign) = heard.callsign {
            self.text("flight", callsign);
        }
    }

    fn movement(&mut self, heard: &Heard<'_>) {
        let on_ground = heard.now.on_ground;
        if on_ground {
            self.text("alt_baro", "ground");
        } else if let Some(altitude) = heard.baro_altitude {
            self.integer("alt_baro", feet(altitude));
        }
        let surface = heard.position.as_ref().map(|(_, row)| row).filter(|row| row.on_ground);
        let Some(row) = surface.or(heard.velocity.as_ref()) else { return };
        if let Some(altitude) = row.geo_altitude.filter(|_| heard.has_adsb && !on_ground) {
            self.integer("alt_geom", geometric_feet(altitude, row));
        }
        self.decimal::<1>("gs", knots(row.velocity));
        self.decimal::<2>("track", wrapped(row.true_track));
        if let Some(rate) = row.vertical_rate.filter(|_| !on_ground) {
            self.integer("baro_rate", feet_per_minute(rate));
        }
    }

    fn position(&mut self, heard: &Heard<'_>, radius: &str) {
        let Some((millis, Row { position: Some((lat, lon)), .. })) = &heard.position else { return };
        self.decimal::<6>("lat", *lat);
        self.decimal::<6>("lon", *lon);
        self.json.extend_from_slice(if radius == "186" { br#","nic":8,"rc":"# } else { br#","nic":0,"rc":"# });
        self.json.extend_from_slice(radius.as_bytes());
        self.decimal::<3>("seen_pos", (self.now - millis) as f64 / 1_000.0);
    }

    fn lists(&mut self, mlat: &str, tisb: &str) {
        for part in [r#","mlat":["#, mlat, r#"],"tisb":["#, tisb, "]"] {
            self.json.extend_from_slice(part.as_bytes());
        }
    }

    fn reception(&mut self, heard: &Heard<'_>, away: Option<Away>) {
        self.integer("messages", self.messages_per_aircraft);
        self.decimal::<3>("seen", (self.now - heard.last_message) as f64 / 1_000.0);
        self.decimal::<1>("rssi", heard.strength);
        if let Some(Away { distance, bearing }) = away {
            self.decimal::<3>("dst", distance);
            self.decimal::<1>("dir", bearing);
        }
        self.json.push(b'}');
    }

    fn key(&mut self, key: &str) {
        self.json.extend_from_slice(b",\"");
        self.json.extend_from_slice(key.as_bytes());
        self.json.extend_from_slice(b"\":");
    }

    /// Appends a text without characters that JSON escapes.
    fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        self.json.push(b'"');
        self.json.extend_from_slice(text.as_bytes());
        self.json.push(b'"');
    }

    fn integer(&mut self, key: &str, value: i64) {
        self.key(key);
        push_integer(&mut self.json, value);
    }

    fn decimal<const DECIMALS: u32>(&mut self, key: &str, value: f64) {
        self.key(key);
        push_decimal::<DECIMALS>(&mut self.json, value);
    }
}

/// Returns the geometric altitude as the aircraft sends it: as a difference to the barometric one, in steps of 25 ft.
fn geometric_feet(altitude: f64, row: &Row<'_>) -> i64 {
    let base = row.baro_altitude.map_or(0, feet);
    let difference = feet(altitude) - base;
    base + (difference as f64 / GEOMETRIC_STEP as f64).round() as i64 * GEOMETRIC_STEP
}

/// Returns a track from 0 to below 360 after it is rounded to two decimals.
fn wrapped(track: f64) -> f64 {
    let track = (track.rem_euclid(360.0) * 100.0).round() / 100.0;
    if track >= 360.0 { 0.0 } else { track }
}

fn emergency(squawk: u16) -> &'static str {
    match squawk {
        0o7500 => "unlawful",
        0o7600 => "nordo",
        0o7700 => "general",
        _ => "none",
    }
}

/// Returns the emitter category of OpenSky's code.
pub(crate) fn category_code(category: u8) -> &'static str {
    const CODES: [&str; 21] = [
        "A0", "A0", "A1", "A2", "A3", "A4", "A5", "A6", "A7", "B1", "B2", "B3", "B4", "B5", "B6", "B7", "C1", "C2",
        "C3", "C4", "C5",
    ];
    CODES.get(usize::from(category)).copied().unwrap_or("A0")
}
