//! Alerts on Kafka begin once and end once, whichever process detects them.

mod load;
mod oracle;

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::support::{Service, Setup, TestApp, Topic, eventually, sleep, variable};
use load::Traffic;

/// Returns the setup of a process that only detects.
fn detecting() -> Setup {
    Setup::embedded().on_kafka(&variable("TEST_KAFKA")).arguments(["serve", "--roles", "detect"])
}

/// Waits until the alerts are those that follow from the states.
fn wait_for_the_expected_alerts(setup: &Setup) {
    let expected = oracle::by_aircraft(oracle::expected(&setup.topic()));
    let count: usize = expected.values().map(Vec::len).sum();
    eventually("all alerts are published", || {
        let published = oracle::published(&setup.alerts());
        (published.values().map(Vec::len).sum::<usize>() >= count).then_some(())
    });
    let published = oracle::by_aircraft(oracle::published(&setup.alerts()));
    for (partition, expected) in &expected {
        let published = published.get(partition).map_or(&[][..], Vec::as_slice);
        let differs = (0..expected.len().max(published.len())).find(|&at| expected.get(at) != published.get(at));
        if let Some(at) = differs {
            let around =
                |changes: &[oracle::Change]| format!("{:?}", &changes[at.saturating_sub(3)..changes.len().min(at + 3)]);
            panic!("partition {partition}: expected {}, published {}", around(expected), around(published));
        }
    }
    assert_eq!(published.len(), expected.len());
}

/// Kills, suspends, stops and starts detecting processes while states arrive. `DETECT_KILLS` sets how often, and
/// `DETECT_SEED` repeats a run.
#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn alerts_begin_and_end_once_despite_kills_and_rebalances() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let kills = number("DETECT_KILLS").unwrap_or(8);
    let seed = number("DETECT_SEED").unwrap_or_else(rand::random);
    let mut random = StdRng::seed_from_u64(seed);
    let setup = detecting();
    let topic = setup.topic();
    topic.create_with(3);
    // One of the processes ends in the middle of transactions.
    let failing = setup.clone().failpoints("detect-filled=1%return;detect-committed=1%return");
    let start = |random: &mut StdRng| if random.random_ratio(1, 3) { failing.spawn() } else { setup.spawn() };
    let (steps, is_done) = (AtomicI64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            // States must not be of the future at the end, however many processes are killed: those are ignored.
            let mut traffic = Traffic::new(&topic, seed, i64::try_from(kills).unwrap() * 300);
            while !is_done.load(Ordering::Relaxed) {
                traffic.step();
                steps.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(20));
            }
        });
        let mut apps: Vec<TestApp> = (0..3).map(|_| start(&mut random)).collect();
        for kill in 0..kills {
            let until = steps.load(Ordering::Relaxed) + random.random_range(5..60);
            eventually("more states", || (steps.load(Ordering::Relaxed) >= until).then_some(()));
            let app = apps.swap_remove(random.random_range(0..apps.len()));
            match kill % 4 {
                // It wakes up when others have its partitions.
                3 => {
                    app.signal(Signal::SIGSTOP);
                    sleep(Duration::from_secs(8));
                    app.signal(Signal::SIGCONT);
                    apps.push(app);
                }
                2 => {
                    let mut app = app;
                    app.terminate();
                    app.wait_exit();
                    apps.push(start(&mut random));
                }
                _ => {
                    app.kill_9();
                    apps.push(start(&mut random));
                }
            }
        }
        is_done.store(true, Ordering::Relaxed);
        apps.push(setup.start());
        wait_for_the_expected_alerts(&setup);
    });
}

/// The broker is also the coordinator of the group and of the transactions.
#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn alerts_begin_and_end_once_despite_outages_of_kafka() {
    let kafka = Service::kafka();
    let setup = Setup::embedded().on_kafka(&kafka.address).arguments(["serve", "--roles", "detect"]);
    let topic = setup.topic();
    topic.create_with(3);
    let apps = [setup.start(), setup.start()];
    let mut traffic = Traffic::new(&topic, rand::random(), 500);
    let steps = |traffic: &mut Traffic<'_>| {
        for _ in 0..30 {
            traffic.step();
            sleep(Duration::from_millis(20));
        }
    };
    steps(&mut traffic);
    eventually("alerts are published", || (!oracle::published(&setup.alerts()).is_empty()).then_some(()));
    steps(&mut traffic);
    kafka.crash();
    kafka.start_again();
    steps(&mut traffic);
    // Longer than a transaction may last.
    kafka.pause();
    sleep(Duration::from_secs(15));
    kafka.resume();
    steps(&mut traffic);
    kafka.stop();
    kafka.start_again();
    steps(&mut traffic);
    wait_for_the_expected_alerts(&setup);
    apps.into_iter().for_each(TestApp::end);
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn an_alert_is_published_promptly_and_survives_a_restart() {
    let setup = detecting();
    let app = setup.start();
    app.wait_actor("detector", "has its partitions", |actor| {
        actor["observation"]["partitions"].as_array().is_some_and(|partitions| partitions.len() == 3)
    });
    let write = |seconds_ago: i64, squawk: Option<&str>| {
        let last_contact = crate::support::now() - seconds_ago;
        let state = serde_json::json!({ "icao24": "4b1814", "last_contact": last_contact, "squawk": squawk });
        setup.topic().write(None, &[(Some("4b1814"), Some(state.to_string().into_bytes()))]);
        last_contact
    };
    let published = |count: usize| -> Vec<_> {
        eventually("the alerts are published", || {
            let changes: Vec<_> = oracle::published(&setup.alerts()).into_values().flatten().collect();
            (changes.len() >= count).then_some(changes)
        })
    };
    let key = "emergency-squawk/4b1814".to_owned();
    write(100, Some("1000"));
    let since = write(90, Some("7700"));
    assert_eq!(published(1), [(key.clone(), since, None)]);
    eventually("the alert is counted", || (app.metric("alerts_active") > 0.0).then_some(()));
    app.kill_9();
    write(80, Some("7700"));
    let app = setup.start();
    app.wait_actor("detector", "has the alert", |actor| actor["observation"]["active"] == 1);
    let ended = write(70, Some("1000"));
    assert_eq!(published(2), [(key.clone(), since, None), (key, since, Some(ended))]);
    // Both topics have the same partition for an aircraft.
    let places = |topic: &Topic| topic.records().last().unwrap().partition;
    assert_eq!(places(&setup.topic()), places(&setup.alerts()));
    app.end();
}
