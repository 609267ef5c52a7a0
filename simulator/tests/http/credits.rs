use simulator::{DailyCredits, Options};

use crate::Sky;

fn counted(anonymous: u32, account: u32) -> Sky {
    let daily_credits = DailyCredits { anonymous, account };
    Sky::start(Options { aircraft: 5, daily_credits, ..Options::default() })
}

#[test]
fn a_request_costs_by_its_area() {
    let sky = counted(100, 100);
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
fn who_has_spent_them_waits_for_midnight() {
    let sky = counted(5, 8);
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
fn a_bad_question_costs_nothing() {
    let sky = counted(4, 4);
    assert_eq!(sky.states("?lamin=1").status, 400);
    assert_eq!(sky.states("").header("x-rate-limit-remaining"), Some("0"));
}

#[test]
fn the_default_allowance_lasts_for_the_world_every_five_seconds() {
    let sky = Sky::of(5);
    let left: u32 = sky.states_with(&sky.token(), "").header("x-rate-limit-remaining").unwrap().parse().unwrap();
    assert!(left > 17_280 * 4 * 2, "{left}");
}
