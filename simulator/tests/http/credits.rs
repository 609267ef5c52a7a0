use simulator::{DailyCredits, Options};

use crate::Sky;

fn with_credits(anonymous: u32, account: u32) -> Sky {
    let daily_credits = DailyCredits { anonymous, account };
    Sky::start(Options { aircraft: 5, daily_credits, ..Options::default() })
}

#[test]
fn the_cost_of_a_request_depends_on_its_area() {
    let sky = with_credits(100, 100);
    for (query, left) in [
        ("", "96"),
        ("?lamin=45&lomin=5&lamax=50&lomax=10", "95"),
        ("?lamin=45&lomin=5&lamax=50&lomax=11", "93"),
        ("?lamin=40&lomin=0&lamax=60&lomax=20", "90"),
        ("?lamin=40&lomin=0&lamax=60&lomax=21", "86"),
        ("?icao24=3c6444", "82"),
    ] {
        assert_eq!(sky.states(query).header("x-rate-limit-remaining"), Some(left), "{query}");
    }
}

#[test]
fn a_client_without_credits_waits_until_midnight() {
    let sky = with_credits(5, 8);
    assert_eq!(sky.states("").status, 200);
    let refused = sky.states("");
    assert_eq!((refused.status, refused.header("x-rate-limit-remaining")), (429, Some("1")));
    assert_eq!(refused.header("x-rate-limit-retry-after-seconds"), Some("43193"));
    assert_eq!(sky.states("?lamin=45&lomin=5&lamax=46&lomax=6").status, 200);

    let token = sky.token();
    assert_eq!(sky.states_with(&token, "").header("x-rate-limit-remaining"), Some("4"));
    sky.clock.advance(43_193);
    assert_eq!(sky.states("").header("x-rate-limit-remaining"), Some("1"));
}

#[test]
fn an_invalid_request_costs_nothing() {
    let sky = with_credits(4, 4);
    assert_eq!(sky.states("?lamin=1").status, 400);
    assert_eq!(sky.states("").header("x-rate-limit-remaining"), Some("0"));
}

#[test]
fn the_default_credits_allow_polling_the_world_every_five_seconds() {
    let sky = Sky::of(5);
    let left: u32 = sky.states_with(&sky.token(), "").header("x-rate-limit-remaining").unwrap().parse().unwrap();
    assert!(left > 17_280 * 4 * 2, "{left}");
}
