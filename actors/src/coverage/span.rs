use super::outcome::Observed;
use crate::domain::UnixMillis;

/// A span of time with one outcome, from `from` inclusive to `to` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span<O> {
    /// Where it starts.
    pub from: UnixMillis,
    /// Where it ends.
    pub to: UnixMillis,
    /// Its outcome.
    pub outcome: O,
}

/// How long the sky was observed, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObservedTime {
    /// The time that is covered.
    pub covered: i64,
    /// The time in gaps.
    pub gap: i64,
    /// The time of which there are no records.
    pub unknown: i64,
}

impl ObservedTime {
    /// Returns the sum over some spans.
    pub fn of<O: Copy>(spans: &[Span<O>], observed: impl Fn(O) -> Observed) -> Self {
        let mut sum = Self::default();
        for span in spans {
            let length = span.to.0.saturating_sub(span.from.0);
            match observed(span.outcome) {
                Observed::Covered => sum.covered += length,
                Observed::Gap => sum.gap += length,
                Observed::Unknown => sum.unknown += length,
            }
        }
        sum
    }

    /// Returns the fraction of the known time that is covered; `None` if nothing is known.
    pub fn fraction(&self) -> Option<f64> {
        let known = self.covered + self.gap;
        (known > 0).then(|| self.covered as f64 / known as f64)
    }
}

/// Appends a span, which starts where the last one ends. Spans with the same outcome are merged.
pub(super) fn append<O: PartialEq>(spans: &mut Vec<Span<O>>, span: Span<O>) {
    if span.from >= span.to {
        return;
    }
    match spans.last_mut() {
        Some(last) if last.outcome == span.outcome => last.to = span.to,
        _ => spans.push(span),
    }
}

/// Merges each span that is shorter than `resolution` milliseconds with the one before it, or at the start with the one
/// after it. The result covers the same time.
pub fn simplify<O: Copy + PartialEq>(spans: &[Span<O>], resolution: i64) -> Vec<Span<O>> {
    let mut simple: Vec<Span<O>> = Vec::new();
    for span in spans {
        let is_short = span.to.0 - span.from.0 < resolution;
        match simple.last_mut() {
            Some(last) if is_short || last.outcome == span.outcome => last.to = span.to,
            // The spans so far are shorter than the resolution together.
            Some(last) if last.to.0 - last.from.0 < resolution => *last = Span { from: last.from, ..*span },
            _ => simple.push(*span),
        }
    }
    simple
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn simplified_spans_cover_the_same_time_and_are_not_short(
            lengths in prop::collection::vec((1_i64..50, 0_u8..3), 1..30), resolution in 1_i64..60,
        ) {
            let mut spans = Vec::new();
            let mut at = 1_000;
            for (length, outcome) in lengths {
                append(&mut spans, Span { from: UnixMillis(at), to: UnixMillis(at + length), outcome });
                at += length;
            }
            let simple = simplify(&spans, resolution);
            prop_assert_eq!(simple.first().map(|span| span.from), Some(UnixMillis(1_000)));
            prop_assert_eq!(simple.last().map(|span| span.to), Some(UnixMillis(at)));
            prop_assert!(simple.windows(2).all(|pair| pair[0].to == pair[1].from));
            if at - 1_000 >= resolution {
                prop_assert!(simple.iter().all(|span| span.to.0 - span.from.0 >= resolution), "{:?}", simple);
            }
            if resolution == 1 {
                prop_assert_eq!(simple, spans);
            }
        }
    }
}
