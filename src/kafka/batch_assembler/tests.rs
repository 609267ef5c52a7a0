use super::*;
use crate::kafka::codec;

fn log() -> LogId {
    LogId { cluster: "cluster".into(), topic: "telemetry.raw".into() }
}

fn take(assembler: &mut BatchAssembler, partition: i32, offset: i64) -> TakeOutcome {
    let value = format!(r#"{{"icao24":"{offset:06x}","last_contact":{offset}}}"#);
    let record = Record { partition, offset, timestamp: offset * 10, key: None, value: Some(value.as_bytes()) };
    assembler.take(&log(), record, codec::decode_state_record)
}

fn assembled(assembler: &mut BatchAssembler) -> Vec<(i32, Vec<i64>, i64, u64)> {
    let parts = assembler.finish(&log()).parts.into_iter();
    parts
        .map(|part| {
            let times = part.states.iter().map(|state| state.last_contact.0).collect();
            (part.partition, times, part.next_offset, part.lost)
        })
        .collect()
}

fn started(at: StartAt) -> BatchAssembler {
    let mut assembler = BatchAssembler::default();
    assembler.own(&[0]);
    assembler.start(0, at, false);
    assembler
}

#[test]
fn records_of_unstarted_and_foreign_partitions_are_ignored() {
    let mut assembler = BatchAssembler::default();
    assembler.own(&[0]);
    take(&mut assembler, 0, 5);
    take(&mut assembler, 1, 5);
    assert!(assembler.is_empty());
}

#[test]
fn the_last_stored_record_is_skipped_on_resume() {
    let mut assembler = started(StartAt::Resume { next_offset: 8, last_timestamp: 70 });
    for offset in 7..10 {
        assert_eq!(take(&mut assembler, 0, offset), TakeOutcome::Accepted);
    }
    assert_eq!(assembled(&mut assembler), [(0, vec![8, 9], 10, 0)]);
}

#[test]
fn another_timestamp_at_the_last_stored_offset_means_another_log() {
    let mut assembler = started(StartAt::Resume { next_offset: 8, last_timestamp: 71 });
    assert_eq!(take(&mut assembler, 0, 7), TakeOutcome::OtherLog);
}

#[test]
fn a_record_other_than_the_last_stored_one_is_unverified_until_the_attempts_run_out() {
    let place = ResumePoint { next_offset: 8, last_timestamp: 70 };
    for (offset, outcome) in [
        (0, TakeOutcome::OtherLog),
        (6, TakeOutcome::OtherLog),
        (8, TakeOutcome::Accepted),
        (11, TakeOutcome::Accepted),
    ] {
        let mut assembler = started(StartAt::Resume { next_offset: 8, last_timestamp: 70 });
        for _ in 0..BatchAssembler::MAX_ATTEMPTS {
            assert_eq!(take(&mut assembler, 0, offset), TakeOutcome::Unverified(place));
            assembler.check_again(0, place);
        }
        assert_eq!(take(&mut assembler, 0, offset), outcome);
    }
}

#[test]
fn a_topic_recreated_during_reading_is_detected() {
    let mut assembler = started(StartAt::Beginning);
    for offset in 0..5 {
        take(&mut assembler, 0, offset);
    }
    let newer = Record { partition: 0, offset: 0, timestamp: 1_000, key: None, value: None };
    let place = ResumePoint { next_offset: 5, last_timestamp: 40 };
    assert_eq!(assembler.take(&log(), newer, codec::decode_state_record), TakeOutcome::Unverified(place));
    let stale = Record { timestamp: 0, ..newer };
    assert_eq!(assembler.take(&log(), stale, codec::decode_state_record), TakeOutcome::Accepted);
    assert_eq!(assembled(&mut assembler)[0].1.len(), 5, "neither is in the batch");
}

#[test]
fn records_deleted_by_retention_are_counted_as_lost() {
    let mut assembler = started(StartAt::Resume { next_offset: 8, last_timestamp: 70 });
    assembler.expect(0, ResumePoint { next_offset: 8, last_timestamp: 70 });
    take(&mut assembler, 0, 11);
    take(&mut assembler, 0, 14);
    assert_eq!(assembled(&mut assembler), [(0, vec![11, 14], 15, 5)]);

    let mut whole = BatchAssembler::default();
    whole.own(&[0]);
    whole.start(0, StartAt::Beginning, true);
    take(&mut whole, 0, 3);
    assert_eq!(assembled(&mut whole), [(0, vec![3], 4, 3)]);
}

#[test]
fn retention_up_to_the_position_loses_nothing() {
    let mut assembler = started(StartAt::Resume { next_offset: 8, last_timestamp: 70 });
    assembler.expect(0, ResumePoint { next_offset: 8, last_timestamp: 70 });
    take(&mut assembler, 0, 8);
    assert_eq!(assembled(&mut assembler), [(0, vec![8], 9, 0)]);
}

#[test]
fn records_fetched_before_a_seek_are_ignored() {
    let mut assembler = started(StartAt::Beginning);
    take(&mut assembler, 0, 4);
    take(&mut assembler, 0, 5);
    assembler.start(0, StartAt::Resume { next_offset: 2, last_timestamp: 10 }, false);
    assert!(assembler.is_empty(), "records from before the start are dropped");
    for offset in [1, 2, 3] {
        take(&mut assembler, 0, offset);
    }
    take(&mut assembler, 0, 2);
    assert_eq!(assembled(&mut assembler), [(0, vec![2, 3], 4, 0)]);
}

#[test]
fn a_revoked_partition_leaves_nothing_behind() {
    let mut assembler = started(StartAt::Beginning);
    assembler.own(&[1]);
    assembler.start(1, StartAt::Beginning, false);
    take(&mut assembler, 0, 1);
    take(&mut assembler, 1, 1);
    assembler.disown(&[0]);
    take(&mut assembler, 0, 2);
    assert_eq!(assembled(&mut assembler), [(1, vec![1], 2, 0)]);
}

#[test]
fn an_undecodable_record_becomes_a_dead_letter_with_its_position() {
    let mut assembler = started(StartAt::Beginning);
    let record = Record { partition: 0, offset: 3, timestamp: 30, key: Some(b"k"), value: None };
    assembler.take(&log(), record, codec::decode_state_record);
    let part = assembler.finish(&log()).parts.remove(0);
    assert_eq!((part.next_offset, part.states.len()), (4, 0));
    let letter = &part.dead_letters[0];
    assert_eq!((letter.offset, letter.key.as_deref(), letter.value.as_deref()), (3, Some(&b"k"[..]), None));
}

#[test]
fn a_batch_is_bounded() {
    let mut assembler = started(StartAt::Beginning);
    for offset in 0..BatchAssembler::MAX_RECORDS as i64 {
        assert!(!assembler.is_full());
        take(&mut assembler, 0, offset);
    }
    assert!(assembler.is_full());
}

fn alert_record(value: Option<&[u8]>) -> Result<codec::Decoded, String> {
    codec::decode_alert_history_record(Some(b"a/4b1814"), value)
}

const ALERT: &str = r#"{"icao24":"4b1814","squawk":"7700","meaning":"emergency","since":5,
    "state":{"icao24":"4b1814","last_contact":5},"rule":"a","ended":null,"detail":"emergency"}"#;

#[test]
fn tombstones_and_alerts_without_a_rule_are_not_stored_and_garbage_is_a_dead_letter() {
    let earlier = ALERT.replace(r#""rule":"a","#, "");
    assert_eq!(alert_record(None), Ok(codec::Decoded::Skipped));
    assert_eq!(alert_record(Some(earlier.as_bytes())), Ok(codec::Decoded::Skipped));
    assert!(matches!(alert_record(Some(ALERT.as_bytes())), Ok(codec::Decoded::Alert(_))));
    for garbage in ["", "{}", "[]", "garbage", r#"{"icao24":"4b1814"}"#, &ALERT.replace("null", "true")] {
        assert!(alert_record(Some(garbage.as_bytes())).is_err(), "{garbage}");
    }
}

#[test]
fn a_resent_alert_does_not_say_what_is_active() {
    let decode = |key: &[u8]| codec::decode_alert_record(Some(key), Some(ALERT.as_bytes()));
    assert!(matches!(decode(b"a/4b1814"), Ok(codec::Decoded::Alert(_))));
    assert_eq!(decode(b"resent/a/4b1814"), Ok(codec::Decoded::Skipped));
}

#[test]
fn skipped_records_advance_the_position() {
    let mut assembler = BatchAssembler::of_compacted();
    assembler.own(&[0]);
    assembler.start(0, StartAt::Beginning, false);
    for (offset, value) in [(3, None), (6, Some(ALERT.as_bytes()))] {
        let record = Record { partition: 0, offset, timestamp: 30, key: Some(b"a/4b1814"), value };
        assert_eq!(assembler.take(&log(), record, codec::decode_alert_history_record), TakeOutcome::Accepted);
    }
    let part = assembler.finish(&log()).parts.remove(0);
    assert_eq!((part.alerts.len(), part.skipped, part.records.len()), (1, 1, 1));
    assert_eq!((part.next_offset, part.lost), (7, 0));
}
