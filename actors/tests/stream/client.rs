//! A client of `/api/v1/stream`, written only from `docs/stream.md`.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Map, Value};

/// An aircraft as the stream encodes it: scaled integers and Unix seconds, without the unknown fields.
pub type Aircraft = BTreeMap<String, Value>;

/// The state of a client of the stream.
#[derive(Debug, Default)]
pub struct StreamClient {
    epoch: Option<String>,
    seq: Option<u64>,
    held: BTreeMap<u64, (String, Aircraft)>,
    /// The last `id`, sent with the next connection.
    pub last_event_id: Option<String>,
    /// The number of `current` events, after each of which the client was up to date.
    pub currents: u64,
    /// The number of snapshots received.
    pub snapshots: u64,
    /// The active alerts.
    pub alerts: Vec<Value>,
    /// The number of alert events received.
    pub alert_events: u64,
    /// The number of heartbeats received.
    pub heartbeats: u64,
    text: String,
}

impl StreamClient {
    /// Returns the aircraft of all cells, by number.
    pub fn held(&self) -> BTreeMap<u64, Aircraft> {
        self.held.iter().map(|(number, (_, aircraft))| (*number, aircraft.clone())).collect()
    }

    /// Returns the number of the last update that was received completely.
    pub fn seq(&self) -> Option<u64> {
        self.seq
    }

    /// Starts a new connection, which discards an incomplete event.
    pub fn reconnect(&mut self) {
        self.text.clear();
    }

    /// Reads a part of the stream, which may be cut anywhere.
    ///
    /// # Errors
    /// If an update is missing. The client must then reconnect without an id.
    pub fn read(&mut self, text: &str) -> Result<(), String> {
        self.text.push_str(text);
        while let Some(end) = self.text.find("\n\n") {
            let event: String = self.text.drain(..end + 2).collect();
            self.event(event.trim_end())?;
        }
        Ok(())
    }

    fn event(&mut self, event: &str) -> Result<(), String> {
        let (mut kind, mut id, mut data) = ("", None, None);
        for line in event.lines() {
            match line.split_once(": ").unwrap_or((line, "")) {
                ("event", value) => kind = value,
                ("id", value) => id = Some(value.to_owned()),
                ("data", value) => data = Some(value),
                ("", "heartbeat") => self.heartbeats += 1,
                _ => {}
            }
        }
        let Some(data) = data else { return Ok(()) };
        let data: Value = serde_json::from_str(data).map_err(|error| format!("{error}: {data}"))?;
        match kind {
            "snapshot" => self.snapshot(&data),
            "delta" => self.delta(&data)?,
            "current" => {
                self.current(&data)?;
                self.last_event_id = id;
            }
            "alert" => {
                assert_eq!(id, None, "only `current` has an id");
                self.expect_epoch(&data)?;
                self.alerts = data["alerts"].as_array().unwrap().clone();
                self.alert_events += 1;
            }
            _ => {}
        }
        Ok(())
    }

    fn snapshot(&mut self, data: &Value) {
        self.snapshots += 1;
        self.last_event_id = None;
        let epoch = data["epoch"].as_str().unwrap();
        if self.epoch.as_deref() != Some(epoch) {
            self.held.clear();
            self.alerts.clear();
            self.epoch = Some(epoch.into());
        }
        let cell = data["cell"].as_str().unwrap();
        self.held.retain(|_, (of, _)| of != cell);
        self.put(cell, data, &data["aircraft"]);
    }

    fn delta(&mut self, data: &Value) -> Result<(), String> {
        self.expect_epoch(data)?;
        let cell = data["cell"].as_str().unwrap();
        for number in numbers(&data["gone"]) {
            if self.held.get(&number).is_some_and(|(of, _)| of == cell) {
                self.held.remove(&number);
            }
        }
        self.put(cell, data, &data["appeared"]);
        let table = &data["changed"];
        let rows = numbers(&table["n"]);
        for (index, number) in rows.iter().enumerate() {
            let Some((_, aircraft)) = self.held.get_mut(number) else {
                return Err(format!("{number} changed, but the client does not hold it"));
            };
            row(aircraft, table, index, data["base"].as_i64().unwrap());
        }
        Ok(())
    }

    fn put(&mut self, cell: &str, data: &Value, table: &Value) {
        for (index, number) in numbers(&table["n"]).into_iter().enumerate() {
            let mut aircraft = Aircraft::new();
            row(&mut aircraft, table, index, data["base"].as_i64().unwrap());
            self.held.insert(number, (cell.into(), aircraft));
        }
    }

    fn current(&mut self, data: &Value) -> Result<(), String> {
        self.expect_epoch(data)?;
        if !data["after"].is_null() && data["after"].as_u64() != self.seq {
            return Err(format!(
                "update {} follows {}, but the client holds {:?}",
                data["seq"], data["after"], self.seq
            ));
        }
        if let Some(cells) = data["cells"].as_array() {
            self.held.retain(|_, (of, _)| cells.iter().any(|cell| cell == of));
        }
        self.seq = data["seq"].as_u64();
        self.currents += 1;
        Ok(())
    }

    fn expect_epoch(&self, data: &Value) -> Result<(), String> {
        if data["epoch"].as_str() == self.epoch.as_deref() { Ok(()) } else { Err("the epoch is different".into()) }
    }
}

/// Decodes ascending numbers that are encoded as differences.
fn numbers(value: &Value) -> Vec<u64> {
    let mut last = 0;
    let differences = value.as_array().into_iter().flatten();
    differences
        .map(|difference| {
            last += difference.as_u64().unwrap();
            last
        })
        .collect()
}

/// Applies one row of a table to an aircraft.
fn row(aircraft: &mut Aircraft, table: &Value, index: usize, base: i64) {
    let table: &Map<String, Value> = table.as_object().unwrap();
    let cell = |column: &Value| -> Option<Value> {
        match column {
            Value::Array(values) => Some(values[index].clone()),
            Value::Object(sparse) => {
                let at = numbers(&sparse["rows"]).iter().position(|row| *row == index as u64)?;
                Some(sparse["values"].as_array().map_or_else(|| sparse["values"].clone(), |values| values[at].clone()))
            }
            single => Some(single.clone()),
        }
    };
    let last_contact = table.get("last_contact").and_then(cell).map(|before| base - before.as_i64().unwrap());
    for (name, column) in table {
        if ["n", "wrap", "countries", "sources"].contains(&name.as_str()) {
            continue;
        }
        let Some(value) = cell(column) else { continue };
        let value = match (name.as_str(), value.as_i64()) {
            (_, None) => value,
            ("origin_country", Some(country)) => table["countries"][country as usize].clone(),
            ("source", Some(source)) => table["sources"][source as usize].clone(),
            ("last_contact" | "observed_at", Some(before)) => (base - before).into(),
            ("time_position", Some(before)) => (last_contact.unwrap() - before).into(),
            (name, Some(sent)) => match table.get("wrap").and_then(|wrap| wrap.get(name)).and_then(Value::as_i64) {
                Some(wrap) => {
                    let held = aircraft.get(name).and_then(Value::as_i64).unwrap();
                    (held - wrap / 2 + (sent - held + wrap / 2).rem_euclid(wrap)).into()
                }
                None => sent.into(),
            },
        };
        if value.is_null() {
            aircraft.remove(name)
        } else {
            aircraft.insert(name.clone(), value)
        };
    }
}

/// A content decoder that releases decoded bytes as late as the format allows.
pub enum Decoder {
    Identity(Vec<u8>),
    Gzip(Box<LateGzip>),
    Zstd(zstd::stream::write::Decoder<'static, Vec<u8>>),
}

impl Decoder {
    /// Creates a decoder for a `Content-Encoding`.
    pub fn new(encoding: &str) -> Self {
        match encoding {
            "gzip" => Self::Gzip(Box::default()),
            "zstd" => Self::Zstd(zstd::stream::write::Decoder::new(Vec::new()).unwrap()),
            _ => Self::Identity(Vec::new()),
        }
    }

    /// Decodes these bytes, and returns the text up to the last complete character.
    pub fn decode(&mut self, bytes: &[u8]) -> String {
        let out = match self {
            Self::Identity(out) => {
                out.extend_from_slice(bytes);
                out
            }
            Self::Gzip(decoder) => {
                decoder.read(bytes);
                &mut decoder.released
            }
            Self::Zstd(decoder) => {
                decoder.write_all(bytes).unwrap();
                decoder.flush().unwrap();
                decoder.get_mut()
            }
        };
        let whole = match std::str::from_utf8(out) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        String::from_utf8(out.drain(..whole).collect()).unwrap()
    }
}

/// A gzip decoder that releases decoded bytes only at an empty stored block, as Go's `compress/flate` does.
pub struct LateGzip {
    header: Vec<u8>,
    inflate: flate2::Decompress,
    /// The bytes decoded since the last empty stored block.
    held: Vec<u8>,
    released: Vec<u8>,
    /// How many of the last bytes match the marker and produced no output.
    marker: usize,
}

impl Default for LateGzip {
    fn default() -> Self {
        let (header, held, released) = Default::default();
        Self { header, inflate: flate2::Decompress::new(false), held, released, marker: 0 }
    }
}

impl LateGzip {
    /// The length of a header without optional fields (RFC 1952, 2.3).
    const HEADER: usize = 10;
    /// The length of an empty stored block and its complement (RFC 1951, 3.2.4).
    const MARKER: [u8; 4] = [0, 0, 0xff, 0xff];

    fn read(&mut self, bytes: &[u8]) {
        let (header, deflate) = bytes.split_at(bytes.len().min(Self::HEADER - self.header.len()));
        self.header.extend_from_slice(header);
        // One byte decodes to at most four matches of 258 bytes.
        let mut decoded = [0; 2048];
        for byte in deflate {
            let before = self.inflate.total_out();
            self.inflate.decompress(&[*byte], &mut decoded, flate2::FlushDecompress::Sync).unwrap();
            let length = usize::try_from(self.inflate.total_out() - before).unwrap();
            self.held.extend_from_slice(&decoded[..length]);
            self.marker = match self.marker {
                _ if length > 0 => 0,
                matched if *byte == Self::MARKER[matched] => matched + 1,
                // A zero may be the first or the second byte of the marker's length.
                2 if *byte == 0 => 2,
                _ => usize::from(*byte == 0),
            };
            if self.marker == Self::MARKER.len() {
                self.marker = 0;
                self.released.append(&mut self.held);
            }
        }
    }
}
