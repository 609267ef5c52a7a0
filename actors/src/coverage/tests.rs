use proptest::prelude::*;

use super::{Observed, ObservedTime, SourcePolls, Span, SpanOutcome, Window, combine};
use crate::domain::{PollOutcome, PollRecord, UnixMillis};

/// Far enough in the future that every record has settled.
const NOW: i64 = 10_000_000;

fn record(process: &str, started: i64, outcome: PollOutcome, next_poll_at: Option<i64>) -> PollRecord {
    PollRecord {
        source: "roof".into(),
        kind: "readsb".into(),
        process: process.into(),
        outcome,
        started: UnixMillis(started),
        ended: UnixMillis(started + 100),
        polls: 1,
        states: 5,
        changed: 3,
        bad_rows: 1,
        seconds: 0.1,
        credits_left: None,
        interval: 10.0,
        next_poll_at: next_poll_at.map(UnixMillis),
        area: None,
    }
}

fn window(from: i64, to: i64) -> Window {
    Window { from: UnixMillis(from), to: UnixMillis(to), now: UnixMillis(NOW) }
}

fn polls(records: &[PollRecord], window: Window) -> SourcePolls {
    let since = records.iter().map(|record| record.started).min().unwrap_or_default();
    let mut polls = SourcePolls::new(window, since);
    records.iter().for_each(|record| polls.add(record));
    polls
}

fn spans(records: &[PollRecord], window: Window) -> Vec<(i64, i64, &'static str)> {
    polls(records, window).spans().iter().map(|span| (span.from.0, span.to.0, span.outcome.name())).collect()
}

#[test]
fn an_answer_covers_the_time_until_the_next_planned_poll() {
    use PollOutcome::{Live, RateLimited};
    let records = [
        record("a", 10_000, Live, Some(20_000)),
        // A little late.
        record("a", 20_700, Live, Some(30_000)),
        record("a", 30_000, RateLimited, Some(50_000)),
        record("a", 50_003, Live, Some(60_000)),
    ];
    let expected = [
        (0, 10_000, "unknown"),
        (10_000, 30_000, "live"),
        (30_000, 50_003, "rate_limited"),
        (50_003, 60_000, "live"),
        (60_000, 90_000, "no_record"),
    ];
    assert_eq!(spans(&records, window(0, 90_000)), expected);
    assert_eq!(spans(&records, window(15_000, 35_000)), [(15_000, 30_000, "live"), (30_000, 35_000, "rate_limited")]);
}

#[test]
fn a_late_poll_leaves_a_gap_and_no_plan_holds_for_more_than_two_intervals() {
    use PollOutcome::Live;
    let records = [record("a", 0, Live, Some(10_000)), record("a", 12_001, Live, Some(500_000))];
    let expected =
        [(0, 10_000, "live"), (10_000, 12_001, "no_record"), (12_001, 32_101, "live"), (32_101, 40_000, "no_record")];
    assert_eq!(spans(&records, window(0, 40_000)), expected);
}

#[test]
fn a_restarted_process_supersedes_the_plan_of_a_failure_but_not_that_of_an_answer() {
    use PollOutcome::{Live, Paused, Refused, Unavailable};
    let records = [
        record("a", 0, Unavailable, Some(100_000)),
        record("a", 5_000, Refused, Some(10_000)),
        record("b", 10_000, Live, Some(25_000)),
        record("c", 12_000, Unavailable, Some(30_000)),
        record("c", 30_000, Paused, Some(90_000)),
        record("c", 50_000, Live, Some(60_000)),
    ];
    let expected = [
        (0, 5_000, "unavailable"),
        (5_000, 10_000, "refused"),
        (10_000, 25_000, "live"),
        (25_000, 30_000, "unavailable"),
        (30_000, 50_000, "paused"),
        (50_000, 60_000, "live"),
    ];
    assert_eq!(spans(&records, window(0, 60_000)), expected);
}

#[test]
fn it_is_unknown_for_a_while_whether_a_due_poll_is_missing() {
    let records = [record("a", 0, PollOutcome::Quiet, Some(10_000))];
    let at = |now| {
        let window = Window { now: UnixMillis(now), ..window(0, 200_000) };
        spans(&records, window)
    };
    assert_eq!(at(4_000), [(0, 4_000, "quiet"), (4_000, 200_000, "unknown")]);
    assert_eq!(at(69_999), [(0, 10_000, "quiet"), (10_000, 200_000, "unknown")]);
    let expected = [(0, 10_000, "quiet"), (10_000, 70_000, "no_record"), (70_000, 200_000, "unknown")];
    assert_eq!(at(70_000), expected);
}

#[test]
fn a_stale_source_does_not_cover_the_sky() {
    assert_eq!(SpanOutcome::Polled(PollOutcome::Stale).observed(), Observed::Gap);
    let records = [record("a", 0, PollOutcome::Stale, Some(10_000))];
    let spans = polls(&records, window(0, 10_000)).spans();
    let time = ObservedTime::of(&spans, SpanOutcome::observed);
    assert_eq!((time.covered, time.gap, time.fraction()), (0, 10_000, Some(0.0)));
}

#[test]
fn totals_count_the_records_that_start_within_the_period() {
    let records = [
        record("a", 0, PollOutcome::Live, Some(10_000)),
        record("a", 10_000, PollOutcome::Live, Some(20_000)),
        record("a", 20_000, PollOutcome::Refused, Some(30_000)),
        record("a", 30_000, PollOutcome::Live, None),
    ];
    let totals = polls(&records, window(10_000, 30_000)).totals();
    assert_eq!((totals.polls, totals.answered, totals.changed, totals.bad_rows), (2, 1, 6, 2));
}

fn records() -> impl Strategy<Value = Vec<PollRecord>> {
    let outcome = prop::sample::select(PollOutcome::ALL.to_vec());
    let next = prop::option::of(0_i64..40_000);
    let one = (0_u8..3, 0_i64..300_000, outcome, next).prop_map(|(process, started, outcome, next)| {
        record(&process.to_string(), started, outcome, next.map(|after| started + 100 + after))
    });
    prop::collection::vec(one, 0..30).prop_map(|mut records| {
        // The key of a record is unique.
        records.sort_by_key(|record| (record.process.clone(), record.started));
        records.dedup_by_key(|record| (record.process.clone(), record.started));
        records
    })
}

/// Whether a time is covered, by definition.
fn is_covered(records: &[PollRecord], at: i64) -> bool {
    records.iter().filter(|record| record.outcome.is_covered()).any(|record| {
        let planned = record.next_poll_at.unwrap_or(record.ended).0.min(record.ended.0 + 20_000);
        let later = records.iter().filter(|next| next.process == record.process && next.started > record.started);
        let next = later.map(|next| next.started.0).min();
        let until = next.filter(|next| (planned..=planned + 2_000).contains(next)).unwrap_or(planned);
        (record.started.0..until).contains(&at)
    })
}

proptest! {
    #[test]
    fn spans_are_consecutive_and_cover_the_period_in_any_order_of_the_records(
        (records, shuffled) in records().prop_flat_map(|records| (Just(records.clone()), Just(records).prop_shuffle())),
        from in -10_000_i64..300_000, length in 0_i64..400_000, now in 0_i64..900_000,
    ) {
        let window = Window { now: UnixMillis(now), ..window(from, from + length) };
        let spans = polls(&records, window).spans();
        prop_assert_eq!(&polls(&shuffled, window).spans(), &spans);
        let whole = |spans: &[(i64, i64)]| {
            spans.first().map(|span| span.0) == (length > 0).then_some(from)
                && spans.last().map(|span| span.1) == (length > 0).then_some(from + length)
                && spans.windows(2).all(|pair| pair[0].1 == pair[1].0)
                && spans.iter().all(|span| span.0 < span.1)
        };
        prop_assert!(whole(&spans.iter().map(|span| (span.from.0, span.to.0)).collect::<Vec<_>>()), "{:?}", spans);
        let time = ObservedTime::of(&spans, SpanOutcome::observed);
        prop_assert_eq!(time.covered + time.gap + time.unknown, length);
        let combined = combine(&[spans.clone(), spans], window);
        prop_assert!(whole(&combined.iter().map(|span| (span.from.0, span.to.0)).collect::<Vec<_>>()));
        prop_assert_eq!(ObservedTime::of(&combined, |observed| observed), time);
    }

    #[test]
    fn a_time_is_covered_exactly_if_an_answer_holds(records in records(), at in 0_i64..350_000) {
        prop_assume!(!records.is_empty());
        let spans = polls(&records, window(0, 350_000)).spans();
        let found = spans.iter().find(|span: &&Span<_>| (span.from.0..span.to.0).contains(&at)).unwrap();
        prop_assert_eq!(found.outcome.observed() == Observed::Covered, is_covered(&records, at), "{:?}", found);
    }
}
