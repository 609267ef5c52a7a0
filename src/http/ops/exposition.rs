//! The text formats of metrics: OpenMetrics 1.0 and Prometheus' text format 0.0.4.

use actix_web::HttpRequest;
use actix_web::http::header::{Accept, Header, Quality, QualityItem};
use actix_web::mime::Mime;

/// A text format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exposition {
    /// Prometheus' text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Exposition {
    /// Returns the format that a request prefers (RFC 9110, section 12.5.1). A client that accepts neither gets
    /// [`Text`](Self::Text), as from other exporters: a scrape must not fail because of an unknown media type.
    pub(crate) fn accepted_by(request: &HttpRequest) -> Self {
        let accepted = Accept::parse(request).map(|accept| accept.0).unwrap_or_default();
        let text = Weight::of(&accepted, "text/plain", |_| true);
        let open_metrics = Weight::of(&accepted, "application/openmetrics-text", |version| version == "1.0.0");
        let is_listed_first = open_metrics.position < text.position;
        let prefers_open_metrics = open_metrics.quality > text.quality
            || (open_metrics.quality == text.quality && open_metrics.quality > Quality::ZERO && is_listed_first);
        if prefers_open_metrics { Self::OpenMetrics } else { Self::Text }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The weight of a media type, from the most specific range that matches it.
struct Weight {
    quality: Quality,
    /// The position of that range in the list.
    position: usize,
}

impl Weight {
    fn of(accepted: &[QualityItem<Mime>], media_type: &str, supports_version: impl Fn(&str) -> bool) -> Self {
        let kind = media_type.split('/').next();
        let specificity = |range: &Mime| match (range.essence_str(), range.get_param("version")) {
            (essence, Some(version)) if essence == media_type => supports_version(version.as_str()).then_some(3),
            (essence, None) if essence == media_type => Some(2),
            ("*/*", _) => Some(0),
            (essence, _) => (essence.strip_suffix("/*") == kind).then_some(1),
        };
        let matching = accepted
            .iter()
            .enumerate()
            .filter_map(|(position, item)| Some((specificity(&item.item)?, item.quality, position)))
            .max_by_key(|(specificity, quality, position)| (*specificity, *quality, std::cmp::Reverse(*position)));
        match matching {
            Some((_, quality, position)) => Self { quality, position },
            None => Self { quality: Quality::ZERO, position: usize::MAX },
        }
    }
}

/// Converts metrics to the text format 0.0.4. In that format a counter's family has the same name as its sample, which
/// ends in `_total`, and there are no units and no `# EOF`. Exemplars, which the format lacks as well, are not removed,
/// because this program does not use them.
pub(crate) fn to_text_format(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len() + open_metrics.len() / 16);
    // The type of the family follows on the next line.
    let mut help = "";
    for line in open_metrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (family, kind) = rest.split_once(' ').unwrap_or((rest, "unknown"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "gauge" | "histogram" | "summary" => ("", kind),
                "info" => ("_info", "gauge"),
                "stateset" => ("", "gauge"),
                _ => ("", "untyped"),
            };
            // Only OpenMetrics escapes quotes.
            let help = std::mem::take(&mut help).replace("\\\"", "\"");
            if !help.is_empty() {
                text.extend(["# HELP ", family, suffix, " ", &help, "\n"]);
            }
            text.extend(["# TYPE ", family, suffix, " ", kind, "\n"]);
        } else if !line.starts_with('#') {
            text.extend([line, "\n"]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::family::Family;
    use prometheus_client::metrics::gauge::Gauge;
    use prometheus_client::metrics::histogram::Histogram;
    use prometheus_client::registry::{Registry, Unit};

    use super::*;

    #[test]
    fn the_format_is_negotiated() {
        use Exposition::{OpenMetrics, Text};
        let check = |accept: &str, expected: Exposition| {
            let request = TestRequest::default().insert_header(("accept", accept)).to_http_request();
            assert_eq!(Exposition::accepted_by(&request), expected, "{accept}");
        };
        assert_eq!(Exposition::accepted_by(&TestRequest::default().to_http_request()), Text);
        check("", Text);
        check("*/*", Text);
        check("text/plain", Text);
        check("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Text);
        check("application/openmetrics-text", OpenMetrics);
        check("application/openmetrics-text; version=1.0.0; charset=utf-8", OpenMetrics);
        // Prometheus 2.
        check(
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            OpenMetrics,
        );
        // Prometheus 3, depending on its settings.
        check(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            OpenMetrics,
        );
        check("text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.2", Text);
        check("application/openmetrics-text;version=0.0.1, text/plain;q=0.5", Text);
        check("*/*;q=0.9, text/plain;q=0.1, application/openmetrics-text;q=0.5", OpenMetrics);
        check("application/openmetrics-text;q=0, */*", Text);
        check("text/plain;q=0, */*", OpenMetrics);
        check("text/plain, application/openmetrics-text", Text);
        check("application/openmetrics-text, text/plain", OpenMetrics);
        check("application/json", Text);
        check("invalid", Text);
    }

    #[test]
    fn open_metrics_are_converted_to_the_text_format() {
        let mut registry = Registry::with_prefix("x");
        let counters = Family::<[(&str, &str); 1], Counter>::default();
        counters.get_or_create(&[("kind", "a # b")]).inc_by(3);
        registry.register("polls", "Requests, \"all\" of them", counters);
        registry.register_with_unit("age", "Age", Unit::Seconds, Gauge::<i64>::default());
        let histogram = Histogram::new([0.5]);
        histogram.observe(0.25);
        registry.register("wait", "Wait", histogram);
        let mut open_metrics = String::new();
        encode(&mut open_metrics, &registry).unwrap();
        let expected = "\
# HELP x_polls_total Requests, \"all\" of them.
# TYPE x_polls_total counter
x_polls_total{kind=\"a # b\"} 3
# HELP x_age_seconds Age.
# TYPE x_age_seconds gauge
x_age_seconds 0
# HELP x_wait Wait.
# TYPE x_wait histogram
x_wait_sum 0.25
x_wait_count 1
x_wait_bucket{le=\"0.5\"} 1
x_wait_bucket{le=\"+Inf\"} 1
";
        assert_eq!(to_text_format(&open_metrics), expected, "{open_metrics}");
    }
}
