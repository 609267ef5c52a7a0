use actors::notification::RuleFilter;
use actors::notifier::{NotifierSettings, RetryLimits};

use super::*;
use crate::sources::Source;

fn sources(names: &[&str]) -> Sources {
    let source = |name: &&str| Source {
        info: SourceInfo::custom(name, String::new(), std::time::Duration::ZERO).unwrap(),
        connect: Box::new(|| unreachable!("nothing connects")),
    };
    Sources::new(names.iter().map(source).collect()).unwrap().0
}

fn endpoint(name: &str) -> ConfiguredEndpoint {
    ConfiguredEndpoint {
        name: ConfiguredName::new(name).unwrap(),
        open: Box::new(|| unreachable!("nothing is delivered")),
        settings: NotifierSettings {
            name: name.to_owned(),
            kind: "webhook",
            rules: RuleFilter::default(),
            retry: RetryLimits { max_age: std::time::Duration::ZERO },
            volatile: false,
        },
    }
}

#[test]
fn shutdown_follows_the_data_from_the_source() {
    let mut rows = rows(|_| true, &ConfiguredSinks::new(), &sources(&["opensky"]), &[endpoint("phone")]);
    rows.sort_by_key(|row| row.stage);
    let names: Vec<_> = rows.iter().map(|row| row.name.to_string()).collect();
    let flow = [
        "poller",
        "merger",
        "kafka-producer",
        "detector",
        "kafka-consumer-store",
        "kafka-consumer-polls",
        "kafka-consumer-alert-history",
        "db-writer",
        "notify-phone",
        "kafka-consumer-live",
        "kafka-consumer-alerts",
        "sse-hub",
    ];
    assert_eq!(names, flow);
}

#[test]
fn the_live_stream_does_not_need_collecting_and_storing() {
    let check = |roles: &[Role], names: &[&str], expected: &[&str]| {
        let rows = rows(|role| roles.contains(&role), &ConfiguredSinks::new(), &sources(names), &[endpoint("phone")]);
        let needed = needed(&rows, roles.contains(&Role::Live));
        let groups = needed.iter().map(|group| group.iter().map(ActorName::to_string).collect::<Vec<_>>().join("|"));
        assert_eq!(groups.collect::<Vec<_>>(), expected, "{roles:?}");
    };
    let live = ["sse-hub", "kafka-consumer-live"];
    check(&[Role::Collect, Role::Store, Role::Live], &["opensky", "roof"], &live);
    check(&[Role::Live], &["opensky"], &live);
    check(&[Role::Collect], &["opensky"], &["kafka-producer", "merger", "poller"]);
    check(&[Role::Collect], &["opensky", "roof"], &["kafka-producer", "merger", "poller-opensky|poller-roof"]);
    check(&[Role::Store], &["opensky"], &["kafka-producer", "db-writer", "kafka-consumer-store"]);
}
