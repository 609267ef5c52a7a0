use std::time::Duration;

use clap::CommandFactory;

use super::*;
use crate::config::{Environment, Secrecy, Settings, settings};
use crate::sources::{SourceFlags, recorded, simulated};

fn parsed(line: &str) -> Result<Invocation, clap::Error> {
    try_parse(std::iter::once("flight-monitor").chain(line.split_whitespace()).map(OsString::from))
}

#[track_caller]
fn ok(line: &str) -> Invocation {
    parsed(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[track_caller]
fn refused(line: &str, because: &str) {
    let error = parsed(line).expect_err(line);
    assert_eq!(error.exit_code(), 2, "{line}");
    assert!(error.to_string().contains(because), "{line}: {error}");
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn serve_is_the_default_command() {
    for line in ["", "serve", "--config x.yaml", "--config=x.yaml", "--http-port 9000", "--config x.yaml --demo"] {
        let Invocation { config, command } = ok(line);
        assert!(matches!(command, Command::Serve(_)), "{line}");
        assert_eq!(config.is_some(), line.contains("x.yaml"), "{line}");
    }
    assert!(matches!(ok("check-config").command, Command::CheckConfig(_)));
    assert!(matches!(ok("rules check a.yaml b.json").command, Command::Rules(_)));
    assert!(matches!(ok("rules test --from 1 --rules a.yaml --rules b --json").command, Command::Rules(_)));
    refused("rules test", "--from");
    refused("rules test --from 1 --json --alerts", "--alerts");
    assert!(matches!(ok("--config x.yaml check-config").command, Command::CheckConfig(_)));
    assert!(ok("check-config --config x.yaml").config.is_some());
    refused("serv", "serve");
    refused("--config", "--config");
    refused("--no-such-flag", "--no-such-flag");
    for line in ["--help", "-h", "--version", "help", "serve --help"] {
        assert_eq!(parsed(line).unwrap_err().exit_code(), 0, "{line}");
    }
}

#[test]
fn every_setting_that_is_not_a_secret_has_a_flag() {
    for setting in settings() {
        let Some(flag) = setting.flag() else {
            refused(&format!("serve --{}", setting.path.replace(['.', '_'], "-")), "unexpected argument");
            continue;
        };
        for command in ["serve", "migrate", "check-config", "health", "replay x.json"] {
            ok(&format!("{command} --{flag} 1"));
        }
    }
    let Command::Serve(args) = ok("--http-port 9000 --opensky-bounding-box -10,5,10,20").command else { panic!() };
    let settings = Settings::load(None, &Environment::default(), &args.settings.0).unwrap();
    assert_eq!(settings.http.port, 9000);
    assert_eq!(settings.opensky.bounding_box.unwrap().edges(), [-10.0, 5.0, 10.0, 20.0]);
    assert_eq!(settings.origin("http.port"), "flag --http-port");
}

#[test]
fn help_lists_every_setting_with_its_variable() {
    let help = parsed("serve --help").unwrap_err().to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    for setting in settings().filter(|setting| setting.secrecy != Secrecy::Secret) {
        let flag = setting.flag().unwrap();
        assert!(help.contains(&format!("--{flag} <")), "{flag}");
        assert!(help.contains(&format!("[env: {}]", setting.variable())), "{flag}");
    }
    let help = parsed("--help").unwrap_err().to_string();
    for part in ["Examples:", "Exit codes:", "RUST_LOG", "OPENSKY_CLIENT_SECRET"] {
        assert!(help.contains(part), "{part}");
    }
}

#[test]
fn help_of_a_command_lists_the_settings_that_it_uses() {
    for (command, shown, hidden) in [
        ("export", "database-url", "database-retention"),
        ("migrate", "database-retention", "http-port"),
        ("import", "database-retention", "http-port"),
        ("replay", "kafka-topic-raw", "kafka-group-id"),
        ("dead-letters", "kafka-group-id", "kafka-max-held"),
        ("init", "opensky-client-id", "http-port"),
        ("health", "http-port", "http-trusted-proxies"),
        ("check-config", "opensky-poll-interval", "no-such-flag"),
        ("serve", "opensky-poll-interval", "no-such-flag"),
    ] {
        let help = parsed(&format!("{command} --help")).unwrap_err().to_string();
        assert!(help.contains(&format!("--{shown} <")) && !help.contains(&format!("--{hidden} ")), "{command}: {help}");
    }
}

#[test]
fn only_one_source_can_be_selected() {
    let source = |line: &str| match ok(line).command {
        Command::Serve(args) => args.source,
        other => panic!("{other:?}"),
    };
    let opensky = SourceFlags::default();
    assert_eq!(source("serve"), opensky);
    let demo = |demo_aircraft| SourceFlags {
        simulated: simulated::SimulatedFlags { demo: true, demo_aircraft, demo_receiver: false },
        ..opensky.clone()
    };
    assert_eq!(source("--demo"), demo(2000));
    assert_eq!(source("--demo --demo-aircraft 10"), demo(10));
    let recorded = recorded::RecordedFlags { replay: vec!["a.json".into(), "b.json".into()] };
    assert_eq!(source("--replay a.json b.json"), SourceFlags { recorded, ..opensky });
    refused("--demo --replay a.json", "cannot be used with");
    refused("--demo-aircraft 10", "--demo");
    refused("--demo-receiver", "--demo");
    assert!(source("--demo --demo-receiver").simulated.demo_receiver);
    refused("--demo --demo-aircraft 0", "1..=100000");
}

#[test]
fn simulate_parses_the_options_of_the_receiver() {
    let options = |line: &str| {
        let Command::Simulate(args) = ok(line).command else { panic!() };
        args.options()
    };
    let default = options("simulate");
    assert_eq!(default.receiver, simulator::Receiver::default());
    assert_eq!(default.community, simulator::Community::default());
    assert_eq!((default.sbs, default.beast), (None, None));
    let all = options(
        "simulate --receiver -33.9,18.6 --receiver-hears-all --message-rate 0.5 --sbs 127.0.0.1:1 --sbs-utc-offset -3 \
         --beast 127.0.0.1:2 --beast-gps-clock --community-unlimited --community-key hush --community-no-retry-after",
    );
    assert_eq!((all.receiver.lat, all.receiver.lon, all.receiver.range_km), (-33.9, 18.6, None));
    assert_eq!(all.sbs.map(|sbs| (sbs.address.port(), sbs.utc_offset)), Some((1, -10_800)));
    assert_eq!(all.beast.map(|beast| (beast.address.port(), beast.gps_clock)), Some((2, true)));
    assert_eq!((all.community.interval, all.community.retry_after), (None, false));
    assert_eq!(all.community.api_key.as_deref(), Some("hush"));
}

#[test]
fn simulate_parses_the_options_of_the_simulator() {
    let Command::Simulate(args) = ok("simulate").command else { panic!() };
    assert_eq!((args.aircraft, args.speed, args.daily_credits, args.all_change), (2000, 1.0, 4000, false));
    assert_eq!(args.token_life, Duration::from_secs(1800));
    let Command::Simulate(args) =
        ok("simulate --address 127.0.0.1:0 --speed 60 --client-id me --client-secret hush --token-life 10s").command
    else {
        panic!()
    };
    assert_eq!(args.client_secret.as_ref().unwrap().expose(), "hush");
    assert!(!format!("{args:?}").contains("hush"));
    refused("simulate --client-id me", "--client-secret");
    refused("simulate --client-secret hush", "--client-id");
    refused("simulate --original-times", "--recorded");
    refused("simulate --all-change --recorded a.json", "cannot be used with");
    refused("simulate --sbs-utc-offset 2", "--sbs");
    refused("simulate --beast-gps-clock", "--beast");
    refused("simulate --recorded a.json --sbs 127.0.0.1:0", "cannot be used with");
    refused("simulate --receiver 91,8", "latitude and longitude");
    refused("simulate --receiver-range 10 --receiver-hears-all", "cannot be used with");
    refused("simulate --token-life 10", "no unit");
    for speed in ["0", "-1", "NaN", "inf", "fast", "0.05", "1000"] {
        assert!(parsed(&format!("simulate --speed={speed}")).is_err(), "{speed}");
    }
}

#[test]
fn replay_requires_files() {
    refused("replay", "FILE");
    let Command::Replay(args) = ok("replay --speed 60 --original-times a.json b.json").command else { panic!() };
    assert_eq!(args.files.len(), 2);
    assert!(args.original_times);
}

#[test]
fn check_config_prints_the_configuration_or_its_problems() {
    let run = |line: &str, environment: &Environment| {
        let Command::CheckConfig(args) = ok(line).command else { panic!("{line}") };
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let status = check_config::run(&args, None, environment, &mut out, &mut errors).unwrap();
        (status, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
    };
    let none = Environment::default();
    let (status, out, errors) = run("check-config --http-port 9000", &none);
    assert_eq!((status, errors.as_str()), (ExitStatus::Done, ""));
    assert!(out.contains("  port: 9000  # flag --http-port\n"), "{out}");

    let (status, out, errors) = run("check-config --http-port x", &none);
    assert_eq!((status, out.as_str()), (ExitStatus::Usage, ""));
    assert!(errors.contains("http.port = \"x\" (flag --http-port)"), "{errors}");

    let (status, _, errors) = run("check-config", &Environment::of([("KAFKA_GROUPID", "x")]));
    assert_eq!(status, ExitStatus::Done);
    assert!(errors.starts_with("warning: ") && errors.contains("KAFKA_GROUP_ID"), "{errors}");

    assert!(run("check-config --template", &none).1.starts_with("# The flight monitor's configuration"));
    assert!(run("check-config --markdown", &none).1.starts_with("| key |"));
}
