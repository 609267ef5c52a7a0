use std::time::Duration;

use simulator::{ClientCredentials, Options};

use crate::Sky;

fn with_credentials() -> Sky {
    let credentials = Some(ClientCredentials { id: "me".to_owned(), secret: "it is me".to_owned() });
    Sky::start(Options { aircraft: 5, credentials, token_life: Duration::from_secs(60), ..Options::default() })
}

#[test]
fn a_client_with_valid_credentials_gets_a_token() {
    let sky = with_credentials();
    let answer =
        sky.token_answer(&[("grant_type", "client_credentials"), ("client_id", "me"), ("client_secret", "it is me")]);
    let token = answer.json();
    assert_eq!((answer.status, &token["expires_in"], &token["token_type"]), (200, &60.into(), &"Bearer".into()));
    assert_eq!(sky.states_with(token["access_token"].as_str().unwrap(), "").status, 200);
    assert_eq!(sky.simulator.requests().tokens_issued, 1);
}

#[test]
fn invalid_token_requests_are_rejected_like_keycloak_does() {
    let sky = with_credentials();
    for (form, status, error) in [
        (&[("grant_type", "client_credentials"), ("client_id", "me")][..], 401, "unauthorized_client"),
        (&[("grant_type", "client_credentials")], 401, "unauthorized_client"),
        (
            &[("grant_type", "client_credentials"), ("client_id", "me"), ("client_secret", "guess")],
            401,
            "unauthorized_client",
        ),
        (&[("grant_type", "password"), ("client_id", "me")], 400, "unsupported_grant_type"),
        (&[("client_id", "me")], 400, "invalid_request"),
        (&[], 400, "invalid_request"),
    ] {
        let answer = sky.token_answer(form);
        assert_eq!((answer.status, &answer.json()["error"]), (status, &error.into()), "{form:?}");
        assert!(answer.json()["error_description"].is_string());
    }
}

#[test]
fn a_token_expires() {
    let sky = with_credentials();
    let token = sky.token();
    sky.clock.advance(59);
    assert_eq!(sky.states_with(&token, "").status, 200);
    sky.clock.advance(1);
    let answer = sky.states_with(&token, "");
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
}

#[test]
fn unknown_and_revoked_tokens_are_rejected() {
    let sky = with_credentials();
    let token = sky.token();
    assert_eq!(sky.states_with("made-up", "").status, 401);
    sky.simulator.revoke_tokens();
    assert_eq!(sky.states_with(&token, "").status, 401);
}

#[test]
fn basic_authentication_is_rejected() {
    let sky = with_credentials();
    let url = format!("{}/states/all", sky.simulator.base_url());
    assert_eq!(sky.agent.get(url).header("Authorization", "Basic bWU6aXQgaXMgbWU=").call().unwrap().status(), 401);
}

#[test]
fn debug_output_omits_the_secret() {
    let credentials = Some(ClientCredentials { id: "me".to_owned(), secret: "hush-hush".to_owned() });
    assert!(!format!("{:?}", Options { credentials, ..Options::default() }).contains("hush"));
}
