//! What `aircraft.json` and the community's API have in common: requests, faults and records.

use actix_web::http::header::{ContentType, HeaderName};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use crate::bad_rows::BAD_ROWS_HEADER;
use crate::fault_answers;
use crate::faults::{FaultKind, Target};
use crate::readsb::AircraftArray;
use crate::receiver::Known;
use crate::sky::Sky;
use crate::state::State;

/// Entries that are no aircraft. `{a}` is an address outside every allocated block.
const BAD_ENTRIES: [&str; 9] = [
    // Missing or malformed address.
    r#"{"type":"adsb_icao","flight":"NOHEX   ","lat":47.5,"lon":8.5,"seen":0.1,"seen_pos":0.1}"#,
    r#"{"hex":null,"lat":47.5,"lon":8.5,"seen":0.1,"seen_pos":0.1}"#,
    r#"{"hex":"zz00zz","lat":47.5,"lon":8.5,"seen":0.1,"seen_pos":0.1}"#,
    // Missing or malformed time.
    r#"{"hex":"{a}","flight":"NOSEEN  ","lat":47.5,"lon":8.5}"#,
    r#"{"hex":"{a}","flight":"TEXTSEEN","lat":47.5,"lon":8.5,"seen":"now","seen_pos":"now"}"#,
    // Values of wrong types or out of range.
    r#"{"hex":"{a}","lat":"north","lon":"east","alt_baro":"high","gs":"fast","seen":0.1,"seen_pos":0.1}"#,
    r#"{"hex":"{a}","flight":"OFFEARTH","lat":95,"lon":8.5,"seen":0.1,"seen_pos":0.1}"#,
    // No object.
    r#"["{a}",47.5,8.5]"#,
    "null",
];
/// Number of good entries between two bad ones.
const EVERY: usize = 10;

/// What a response tells.
pub(crate) struct Content<'a> {
    pub(crate) sky: &'a Sky,
    /// What the receiver or the community knows.
    pub(crate) known: Known<'a>,
    /// Unix milliseconds.
    pub(crate) now: i64,
    /// Whether no aircraft are listed.
    pub(crate) is_quiet: bool,
    with_bad_rows: bool,
    bad_rows: usize,
}

impl Content<'_> {
    /// Starts the array of aircraft.
    pub(crate) fn array(&self) -> AircraftArray {
        AircraftArray::new(self.now, self.sky.messages(self.now))
    }

    /// Adds an entry that is no aircraft, if enough good ones precede it.
    pub(crate) fn maybe_spoil(&mut self, array: &mut AircraftArray) {
        if self.with_bad_rows && array.entries() % (EVERY + 1) == EVERY {
            self.spoil(array);
        }
    }

    /// Adds the kinds of bad entries that are still missing.
    pub(crate) fn complete(&mut self, array: &mut AircraftArray) {
        while self.with_bad_rows && self.bad_rows < BAD_ENTRIES.len() {
            self.spoil(array);
        }
    }

    fn spoil(&mut self, array: &mut AircraftArray) {
        let entry = BAD_ENTRIES[self.bad_rows % BAD_ENTRIES.len()];
        array.raw(&entry.replace("{a}", &format!("f0{:04x}", self.bad_rows & 0xffff)));
        self.bad_rows += 1;
    }
}

/// Returns the immediate fault's response, if there is one.
pub(crate) async fn immediate_fault(state: &State, request: &HttpRequest, target: Target) -> Option<HttpResponse> {
    let fault = state.faults.immediate(target)?;
    Some(fault_answers::immediate(&fault, request).await)
}

/// Responds with what `write` encodes: the body, and address and second of every aircraft.
pub(crate) fn respond(
    state: &State,
    target: Target,
    wrong_types: &'static str,
    write: impl FnOnce(&mut Content<'_>) -> (Vec<u8>, Vec<(u32, i64)>),
) -> HttpResponse {
    let Some(sky) = &state.sky else {
        return HttpResponse::NotFound().json(json!({ "error": "recorded states have no receiver" }));
    };
    let fault = state.faults.corrupting(target);
    let kind = fault.as_ref().map(|fault| fault.kind);
    let now = state.time_of(target, kind == Some(FaultKind::Stale), state.clock.now_millis());
    let known = if target == Target::V2 { sky.community() } else { sky.receiver() };
    let mut content = Content {
        sky,
        known,
        now,
        is_quiet: kind == Some(FaultKind::Quiet),
        with_bad_rows: kind == Some(FaultKind::BadRows),
        bad_rows: 0,
    };
    let (body, told) = write(&mut content);
    if fault.as_ref().is_none_or(|fault| matches!(fault.kind, FaultKind::BadRows | FaultKind::Quiet | FaultKind::Stale))
    {
        state.record(target, &told);
    }
    let mut response = match &fault {
        Some(fault) if fault.kind == FaultKind::WrongTypes => {
            fault_answers::corrupted(fault, ContentType::json(), wrong_types.into())
        }
        Some(fault) => fault_answers::corrupted(fault, ContentType::json(), body.into()),
        None => HttpResponse::Ok().content_type(ContentType::json()).body(body),
    };
    if content.with_bad_rows {
        response.headers_mut().insert(HeaderName::from_static(BAD_ROWS_HEADER), content.bad_rows.into());
    }
    response
}
