//! Serves recorded responses of `/states/all` as if they were current.

use std::io;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::bad_rows::BadRows;
use crate::options::AfterLast;
use crate::query::StatesQuery;
use crate::rows::{Body, StatesResponse};

const TIME_POSITION: usize = 3;
const LAST_CONTACT: usize = 4;
/// Maximum size of a recorded response. A response for the whole world has about 1.5 MB.
const MAX_BYTES: u64 = 64 << 20;
/// Number of columns without the category, which only an extended response has.
const COLUMNS: usize = 17;

/// Recorded responses, served one after the other.
#[derive(Debug)]
pub(crate) struct Recorded {
    responses: Vec<Response>,
    next: usize,
    shift_times: bool,
    after_last: AfterLast,
}

#[derive(Debug)]
struct Response {
    time: i64,
    rows: Vec<Row>,
}

/// A row as recorded. A value that is not an array is kept as a single column.
#[derive(Debug)]
struct Row {
    /// JSON-encoded values.
    columns: Vec<String>,
    is_array: bool,
    address: Option<u32>,
    position: Option<(f64, f64)>,
    time_position: Option<i64>,
    last_contact: Option<i64>,
}

#[derive(Deserialize)]
struct Document {
    time: i64,
    states: Option<Vec<Value>>,
}

impl Recorded {
    /// Reads the files; there must be at least one.
    ///
    /// # Errors
    /// The file that cannot be read or is not a response of `/states/all`, and the cause.
    pub(crate) fn read<P: AsRef<Path>>(
        files: &[P],
        shift_times: bool,
        after_last: AfterLast,
    ) -> Result<Self, (&Path, io::Error)> {
        let responses = files
            .iter()
            .map(|file| Response::read(file.as_ref()).map_err(|error| (file.as_ref(), error)))
            .collect::<Result<_, _>>()?;
        Ok(Self { responses, next: 0, shift_times, after_last })
    }

    /// Returns the time of the newest response, in Unix seconds.
    pub(crate) fn newest(&self) -> Option<i64> {
        self.responses.iter().map(|response| response.time).max()
    }

    /// Returns the next response, filtered by the query.
    pub(crate) fn answer(
        &mut self,
        query: &StatesQuery,
        now: i64,
        is_stale: bool,
        with_bad_rows: bool,
    ) -> StatesResponse {
        let Response { time, rows } = &self.responses[self.next];
        self.next = match self.after_last {
            _ if is_stale => self.next,
            AfterLast::Cycle => (self.next + 1) % self.responses.len(),
            AfterLast::Hold => (self.next + 1).min(self.responses.len() - 1),
        };
        let shift = if self.shift_times { now - time } else { 0 };
        let mut body = Body::new(time + shift, rows.len());
        let mut bad_rows = with_bad_rows.then(|| BadRows::new(time + shift));
        let mut states = Vec::with_capacity(rows.len());
        for row in rows.iter().filter(|row| query.matches(row.address, row.position)) {
            if let Some(bad_rows) = &mut bad_rows {
                bad_rows.maybe_add(&mut body);
            }
            row.write(body.next_row(), shift, query.extended);
            if let (Some(address), Some(contact)) = (row.address, row.last_contact) {
                states.push((address, contact.saturating_add(shift)));
            }
        }
        let bad_rows = bad_rows.map(|bad_rows| bad_rows.complete(&mut body));
        StatesResponse { body: body.finish(), states, bad_rows }
    }
}

impl Response {
    fn read(file: &Path) -> io::Result<Self> {
        let content = textfile::read_bytes(file, MAX_BYTES).map_err(io::Error::other)?;
        let text = textfile::without_mark(&content).map_err(io::Error::other)?;
        let document: Document = serde_json::from_slice(text)?;
        let rows = document.states.unwrap_or_default().iter().map(Row::new).collect();
        Ok(Self { time: document.time, rows })
    }
}

impl Row {
    fn new(row: &Value) -> Self {
        let Value::Array(columns) = row else {
            let columns = vec![row.to_string()];
            return Self {
                columns,
                is_array: false,
                address: None,
                position: None,
                time_position: None,
                last_contact: None,
            };
        };
        let number = |index: usize| columns.get(index).and_then(Value::as_f64);
        let time = |index: usize| columns.get(index).and_then(Value::as_i64);
        Self {
            address: columns.first().and_then(Value::as_str).and_then(|text| u32::from_str_radix(text, 16).ok()),
            position: number(6).zip(number(5)),
            time_position: time(TIME_POSITION),
            last_contact: time(LAST_CONTACT),
            columns: columns.iter().map(Value::to_string).collect(),
            is_array: true,
        }
    }

    fn write(&self, out: &mut Vec<u8>, shift: i64, extended: bool) {
        if !self.is_array {
            out.extend(self.columns.iter().flat_map(|text| text.bytes()));
            return;
        }
        out.push(b'[');
        let wanted = if extended { self.columns.len() } else { self.columns.len().min(COLUMNS) };
        for (index, column) in self.columns.iter().take(wanted).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let time = match index {
                TIME_POSITION => self.time_position,
                LAST_CONTACT => self.last_contact,
                _ => None,
            };
            match time {
                Some(time) => out.extend_from_slice(time.saturating_add(shift).to_string().as_bytes()),
                None => out.extend_from_slice(column.as_bytes()),
            }
        }
        if extended && self.columns.len() == COLUMNS {
            out.extend_from_slice(b",0");
        }
        out.push(b']');
    }
}
