//! Invalid rows, cycling through every kind of defect.

use crate::rows::Body;

/// The header with the number of bad rows in a response.
pub(crate) const BAD_ROWS_HEADER: &str = "x-simulator-bad-rows";
/// Number of good rows between two bad ones.
const EVERY: usize = 10;

/// Row templates. `{a}` is an address outside every allocated block, `{t}` the response's time, `{f}` one hour later.
const KINDS: [&str; 10] = [
    // Too short.
    r#"["{a}","SHORT   ","Nowhere"]"#,
    r#"[]"#,
    // Missing or malformed address.
    r#"[null,"NOADDR  ","Nowhere",{t},{t},8.5,47.5,9000,false,200,90,0,null,9100,"1000",false,0,0]"#,
    r#"["zz00zz","NOTHEX  ","Nowhere",{t},{t},8.5,47.5,9000,false,200,90,0,null,9100,"1000",false,0,0]"#,
    // Strings in place of numbers.
    r#"["{a}","TEXT    ","Nowhere",{t},{t},"east","north",9000,false,"fast",90,0,null,9100,"1000",false,0,0]"#,
    // Last contact in the future, missing, or a string.
    r#"["{a}","FUTURE  ","Nowhere",{f},{f},8.5,47.5,9000,false,200,90,0,null,9100,"1000",false,0,0]"#,
    r#"["{a}","NOTIME  ","Nowhere",{t},null,8.5,47.5,9000,false,200,90,0,null,9100,"1000",false,0,0]"#,
    r#"["{a}","TEXTTIME","Nowhere",{t},"now",8.5,47.5,9000,false,200,90,0,null,9100,"1000",false,0,0]"#,
    // Latitude out of range.
    r#"["{a}","OFFEARTH","Nowhere",{t},{t},8.5,95,9000,false,200,90,0,null,9100,"1000",false,0,0]"#,
    // An object instead of an array.
    r#"{"icao24":"{a}","last_contact":{t}}"#,
];

/// Inserts bad rows between good ones.
#[derive(Debug)]
pub(crate) struct BadRows {
    time: i64,
    added: usize,
}

impl BadRows {
    /// Creates the bad rows for a response with this time.
    pub(crate) fn new(time: i64) -> Self {
        Self { time, added: 0 }
    }

    /// Appends a bad row if enough good ones precede it.
    pub(crate) fn maybe_add(&mut self, body: &mut Body) {
        if body.rows() % (EVERY + 1) == EVERY {
            self.add(body);
        }
    }

    /// Appends the kinds that have not been used yet, and returns the total number of bad rows.
    pub(crate) fn complete(mut self, body: &mut Body) -> usize {
        while self.added < KINDS.len() {
            self.add(body);
        }
        self.added
    }

    fn add(&mut self, body: &mut Body) {
        let row = KINDS[self.added % KINDS.len()]
            .replace("{a}", &format!("f0{:04x}", self.added & 0xffff))
            .replace("{t}", &self.time.to_string())
            .replace("{f}", &(self.time + 3_600).to_string());
        body.next_row().extend_from_slice(row.as_bytes());
        self.added += 1;
    }
}
