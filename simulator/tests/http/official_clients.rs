//! Replays the requests of the clients in github.com/openskynetwork/opensky-api, as sent on the wire.

use simulator::{ClientCredentials, Options};

use crate::{NOON, Sky};

fn sky() -> (Sky, String) {
    let credentials = ClientCredentials { id: "my-client".to_owned(), secret: "s3cr3t".to_owned() };
    let sky = Sky::start(Options { aircraft: 300, credentials: Some(credentials), ..Options::default() });
    // `TokenManager._refresh()` posts these three fields and reads `access_token` and `expires_in`.
    let answer = sky.token_answer(&[
        ("grant_type", "client_credentials"),
        ("client_id", "my-client"),
        ("client_secret", "s3cr3t"),
    ]);
    let answer = answer.json();
    assert!(answer["expires_in"].is_u64(), "{answer}");
    let token = answer["access_token"].as_str().unwrap().to_owned();
    (sky, token)
}

/// `OpenSkyApi.get_states()` with and without an account, with addresses and with a bounding box.
#[test]
fn requests_of_the_python_client_are_served() {
    let (sky, token) = sky();
    let everything = sky.states_with(&token, "?time=0&extended=True");
    assert_eq!(everything.json()["time"], NOON);
    let rows = everything.rows();
    assert!(rows.len() > 250 && rows.iter().all(|row| row.as_array().unwrap().len() == 18), "{}", rows.len());
    let newest = sky.states_with(&token, "?extended=1").rows();
    assert_eq!(rows, newest);
    assert_eq!(sky.states("?time=0&extended=True").rows().len(), rows.len());

    let (one, other) = (rows[3][0].as_str().unwrap(), rows[40][0].as_str().unwrap());
    let found = sky.states_with(&token, &format!("?time=0&icao24={one}&icao24={other}&extended=True")).rows();
    assert_eq!(found, [rows[3].clone(), rows[40].clone()]);

    let boxed = "?time=0&extended=True&lamin=40.0&lamax=55.0&lomin=-5.0&lomax=15.0";
    assert_eq!(sky.states_with(&token, boxed).rows(), sky.states_with(&token, &boxed.replace("True", "1")).rows());
    // Past states have a resolution of 5 s.
    let then = NOON - 602;
    assert_eq!(sky.states_with(&token, &format!("?time={then}&extended=True")).json()["time"], then);
}

/// `OpenSkyApi.getStates(0, icao24)` and `getStates(0, null, box)`.
#[test]
fn requests_of_the_java_client_are_served() {
    let (sky, token) = sky();
    let rows = sky.states_with(&token, "?time=0").rows();
    assert!(rows.len() > 250 && rows.iter().all(|row| row.as_array().unwrap().len() == 17), "{}", rows.len());
    let one = rows[3][0].as_str().unwrap();
    assert_eq!(sky.states_with(&token, &format!("?icao24={one}&time=0")).rows(), [rows[3].clone()]);
    let boxed = sky.states_with(&token, "?time=0&lamin=40.0&lamax=55.0&lomin=-5.0&lomax=15.0");
    assert!(boxed.status == 200 && boxed.rows().len() < rows.len());
}
