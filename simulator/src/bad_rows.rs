//! Rows that are no state vectors, one kind after the other.

use crate::rows::Body;

/// Good rows between two bad ones.
const EVERY: usize = 10;

/// Templates: `{a}` is an address of no real block, `{t}` the response's time, `{f}` an hour later.
const KINDS: [&str; 10] = [
    // Too short.
    r#"["{a}","SHORT   ","Nowhere"]"#,
    r#"[]"#,
    // No address, or none that is one.
    r#"[null,"NOADDR  ","Nowhere",{t},{t},8.5,47.5,9000,false,200,90,0,null,9100,"1000",false,0,0]"#,
    r#"["zz00zz","NOTHEX  ","Nowhere",{t},{t},8.5,47.5,9000,false,200,90,0,null,9100,"1000",false,0,0]"#,
    // Texts where numbers belong.
    r#"["{a}","TEXT    ","Nowhere",{t},{t},"east","north",9000,false,"fast",90,0,null,9100,"1000",false,0,0]"#,
    // Times: far ahead, absent, text.
    r#"["{a}","FUTURE  ","Nowhere",{f},{f},8.5,47.5,9000,false,200,90,0,null,9100,"1000",false,0,0]"#,
    r#"["{a}","NOTIME  ","Nowhere",{t},null,8.5,47.5,9000,false,200,90,0,null,9100,"1000",false,0,0]"#,
    r#"["{a}","TEXTTIME","Nowhere",{t},"now",8.5,47.5,9000,false,200,90,0,null,9100,"1000",false,0,0]"#,
    // A position that is not on Earth.
    r#"["{a}","OFFEARTH","Nowhere",{t},{t},8.5,95,9000,false,200,90,0,null,9100,"1000",false,0,0]"#,
    // No row at all.
    r#"{"icao24":"{a}","last_contact":{t}}"#,
];

/// Mixes bad rows among good ones.
#[derive(Debug)]
pub(crate) struct BadRows {
    time: i64,
    added: usize,
}

impl BadRows {
    /// For a response of this time.
    pub(crate) fn new(time: i64) -> Self {
        Self { time, added: 0 }
    }

    /// Adds a row to the body whenever enough good ones have gone before.
    pub(crate) fn maybe_add(&mut self, body: &mut Body) {
        if body.rows() % (EVERY + 1) == EVERY {
            self.add(body);
        }
    }

    /// Adds the kinds that were not at hand yet, and tells how many bad rows there are.
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
