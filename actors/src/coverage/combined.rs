use super::outcome::{Observed, SpanOutcome};
use super::source_polls::Window;
use super::span::{Span, append};

/// Combines the spans of several sources, each of which cover the whole window: the sky is covered where any source
/// covers it, and there is a gap where it is not, unless nothing is known about any source.
pub fn combine(sources: &[Vec<Span<SpanOutcome>>], window: Window) -> Vec<Span<Observed>> {
    // The number of sources that cover the sky or have a gap changes by this much at each time.
    let mut changes = Vec::new();
    for Span { from, to, outcome } in sources.iter().flatten() {
        let (covered, gap) = match outcome.observed() {
            Observed::Covered => (1, 0),
            Observed::Gap => (0, 1),
            Observed::Unknown => continue,
        };
        changes.push((*from, covered, gap));
        changes.push((*to, -covered, -gap));
    }
    changes.sort_unstable();
    let (mut covered, mut gaps) = (0, 0);
    let (mut spans, mut at) = (Vec::new(), window.from);
    let end = (window.to, 0, 0);
    for (time, covers, gap) in changes.into_iter().chain([end]) {
        let time = time.clamp(at, window.to.max(at));
        let outcome = match (covered, gaps) {
            (1.., _) => Observed::Covered,
            (_, 1..) => Observed::Gap,
            _ => Observed::Unknown,
        };
        append(&mut spans, Span { from: at, to: time, outcome });
        (covered, gaps, at) = (covered + covers, gaps + gap, time);
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{PollOutcome, UnixMillis};

    fn spans(parts: &[(i64, i64, SpanOutcome)]) -> Vec<Span<SpanOutcome>> {
        let span = |&(from, to, outcome)| Span { from: UnixMillis(from), to: UnixMillis(to), outcome };
        parts.iter().map(span).collect()
    }

    #[test]
    fn any_source_covers_the_sky() {
        let live = SpanOutcome::Polled(PollOutcome::Live);
        let refused = SpanOutcome::Polled(PollOutcome::Refused);
        let sources = [
            spans(&[(0, 10, SpanOutcome::Unknown), (10, 20, live), (20, 40, refused)]),
            spans(&[(0, 15, SpanOutcome::Unknown), (15, 30, live), (30, 35, SpanOutcome::NoRecord), (35, 40, live)]),
        ];
        let window = Window { from: UnixMillis(0), to: UnixMillis(40), now: UnixMillis(40) };
        let combined: Vec<_> =
            combine(&sources, window).into_iter().map(|span| (span.from.0, span.to.0, span.outcome)).collect();
        let expected = [
            (0, 10, Observed::Unknown),
            (10, 30, Observed::Covered),
            (30, 35, Observed::Gap),
            (35, 40, Observed::Covered),
        ];
        assert_eq!(combined, expected);
        let nothing = combine(&[], window);
        assert_eq!(nothing, [Span { from: window.from, to: window.to, outcome: Observed::Unknown }]);
    }
}
