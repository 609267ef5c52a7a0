//! The rows of `alerts`, in either database.

use std::sync::Arc;

use actors::detect::Alert;
use actors::domain::{BoundingBox, Icao24, UnixTime};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::error::QueryError;

/// Selects alerts; an alert must match every field.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertQuery {
    /// Only alerts that began at or after this time.
    pub from: UnixTime,
    /// Only alerts that began at or before this time.
    pub to: UnixTime,
    /// Only alerts of this rule.
    pub rule: Option<String>,
    /// Only alerts of these aircraft; empty for all.
    pub icao24: Vec<Icao24>,
    /// Only alerts that began at a position in this box.
    pub bounding_box: Option<BoundingBox>,
    /// Only alerts that are active, or only those that have ended.
    pub active: Option<bool>,
    /// Only alerts after this one, in the order of [`Storage::alerts`](super::Storage::alerts): its `since`, its rule
    /// and its aircraft. Used for pagination.
    pub after: Option<(UnixTime, String, Icao24)>,
    /// The maximum number of alerts.
    pub limit: u32,
}

impl AlertQuery {
    /// Returns `since`, rule and aircraft of the key that follows every matching alert, in ascending order.
    pub(super) fn end_key(&self) -> (i64, String, String) {
        match &self.after {
            Some((since, rule, icao24)) => (storable(*since), rule.clone(), icao24.to_string()),
            None => (storable(UnixTime(self.to.0.saturating_add(1))), String::new(), String::new()),
        }
    }

    /// Returns the southern, western, northern and eastern edges of the box.
    pub(super) fn edges(&self) -> [Option<f64>; 4] {
        self.bounding_box.map_or([None; 4], |bounding_box| bounding_box.edges().map(Some))
    }
}

/// Clamps a time to the years that the databases can store.
pub(super) fn storable(time: UnixTime) -> i64 {
    time.0.clamp(-62_135_596_800, 253_402_300_799)
}

/// Returns the beginnings and the ends among these records, each without repetitions and ordered by key: one statement
/// must not change a row twice.
pub(super) fn beginnings_and_ends<'a>(records: &[&'a Alert]) -> [Vec<&'a Alert>; 2] {
    let (mut ends, mut beginnings): (Vec<&Alert>, Vec<&Alert>) =
        records.iter().copied().partition(|alert| alert.ended.is_some());
    for records in [&mut beginnings, &mut ends] {
        records.sort_by(|one, other| key(one).cmp(&key(other)));
        records.dedup_by(|one, other| key(one) == key(other));
    }
    [beginnings, ends]
}

fn key(alert: &Alert) -> (&str, Icao24, UnixTime) {
    (&alert.rule, alert.icao24, alert.since)
}

/// Returns the state of an alert as it is stored.
pub(super) fn state_json(alert: &Alert) -> String {
    let written = serde_json::to_string(&*alert.state);
    debug_assert!(written.is_ok(), "every state vector can be written as JSON");
    written.unwrap_or_default()
}

/// A row of `alerts`, with times in Unix seconds.
#[derive(Debug, QueryableByName)]
pub(super) struct StoredAlert {
    #[diesel(sql_type = Text)]
    rule: String,
    #[diesel(sql_type = Text)]
    icao24: String,
    #[diesel(sql_type = BigInt)]
    since: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    ended: Option<i64>,
    #[diesel(sql_type = Text)]
    detail: String,
    #[diesel(sql_type = Text)]
    state: String,
}

impl TryFrom<StoredAlert> for Alert {
    type Error = QueryError;

    fn try_from(row: StoredAlert) -> Result<Self, QueryError> {
        let StoredAlert { rule, icao24, since, ended, detail, state } = row;
        let malformed = |reason: String| QueryError::Malformed(format!("alerts: {rule}/{icao24} at {since}: {reason}"));
        let state = serde_json::from_str(&state).map_err(|error| malformed(error.to_string()))?;
        let address = Icao24::parse(&icao24).map_err(|error| malformed(error.to_string()))?;
        Ok(Self {
            icao24: address,
            since: UnixTime(since),
            ended: ended.map(UnixTime),
            detail: detail.into(),
            state: Arc::new(state),
            rule: rule.into(),
        })
    }
}

/// Converts rows to alerts.
pub(super) fn alerts(rows: Vec<StoredAlert>) -> Result<Vec<Alert>, QueryError> {
    rows.into_iter().map(Alert::try_from).collect()
}

#[cfg(test)]
mod tests {
    use actors::domain::{StateVector, StateVectorParts};

    use super::*;

    fn alert(rule: &str, since: i64, ended: Option<i64>) -> Alert {
        let parts =
            StateVectorParts { icao24: "4b1814".into(), last_contact: Some(since), ..StateVectorParts::default() };
        let state: StateVector = parts.try_into().unwrap();
        Alert { ended: ended.map(UnixTime), ..Alert::starting(rule, "in words", Arc::new(state)) }
    }

    #[test]
    fn beginnings_and_ends_have_one_record_for_each_alert() {
        let records = [
            alert("b", 1, None),
            alert("a", 2, None),
            alert("b", 1, Some(5)),
            alert("b", 1, None),
            alert("a", 1, None),
        ];
        let [beginnings, ends] = beginnings_and_ends(&records.iter().collect::<Vec<_>>());
        let keys = |alerts: Vec<&Alert>| alerts.iter().map(|alert| (alert.rule.to_string(), alert.since.0)).collect();
        let keys: [Vec<(String, i64)>; 2] = [keys(beginnings), keys(ends)];
        assert_eq!(keys[0], [("a".to_owned(), 1), ("a".to_owned(), 2), ("b".to_owned(), 1)]);
        assert_eq!(keys[1], [("b".to_owned(), 1)]);
    }

    #[test]
    fn an_alert_is_restored_from_its_row() {
        let alert = alert("a", 7, Some(9));
        let row = StoredAlert {
            rule: "a".into(),
            icao24: "4b1814".into(),
            since: 7,
            ended: Some(9),
            detail: "in words".into(),
            state: state_json(&alert),
        };
        assert_eq!(Alert::try_from(row).unwrap(), alert);
    }
}
