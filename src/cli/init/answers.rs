use std::io::{self, Read};
use std::path::Path;

use textfile::ReadError;

use super::{InitArgs, InitError, Questioner};
use crate::config::{ClientCredentials, Problem, Secret, check_value, keys};

/// Bytes of a secret's file; the secret is one line.
const MAX_SECRET_FILE: u64 = 64 * 1024;

/// What a first deployment needs; the texts are checked.
#[derive(Clone, Debug)]
pub struct Answers {
    /// The OpenSky API client; `None`: anonymous.
    pub client: Option<ClientCredentials>,
    /// `lamin,lomin,lamax,lomax`, or empty.
    pub bounding_box: String,
    /// `host:port,host:port`, or empty.
    pub bootstrap_servers: String,
    /// The database's address.
    pub database_url: Secret,
}

pub(super) fn gather(
    args: &InitArgs,
    questioner: &mut impl Questioner,
    stdin: &mut impl Read,
) -> Result<Answers, InitError> {
    let client_id = answer(
        "opensky.client_id",
        "OpenSky API client id (empty: anonymous, 400 credits a day)",
        args.opensky_client_id.as_deref(),
        questioner,
    )?;
    let client = match &*client_id {
        "" => None,
        id => Some(ClientCredentials { id: id.to_owned(), secret: secret(args, questioner, stdin)? }),
    };
    Ok(Answers {
        client,
        bounding_box: answer(
            "opensky.bounding_box",
            "Area as lamin,lomin,lamax,lomax in degrees (empty: the world)",
            args.opensky_bounding_box.as_deref(),
            questioner,
        )?,
        bootstrap_servers: answer(
            "kafka.bootstrap_servers",
            "Kafka brokers as host:port,host:port (empty: an embedded one)",
            args.kafka_bootstrap_servers.as_deref(),
            questioner,
        )?,
        database_url: Secret::new(answer(
            "database.url",
            "Database, sqlite://PATH or postgres://user:password@host/name",
            args.database_url.as_deref(),
            questioner,
        )?),
    })
}

/// The flag's value, or else an answer that fits, or else the default.
fn answer(
    path: &str,
    question: &str,
    flag: Option<&str>,
    questioner: &mut impl Questioner,
) -> Result<String, InitError> {
    let default = keys::find(path).map_or("", |key| key.default);
    if let Some(text) = flag {
        return Ok(check(path, text, "flag").map(|()| text.trim().to_owned())?);
    }
    loop {
        let Some(text) = questioner.ask(question, default).map_err(InitError::io("terminal"))? else {
            return Ok(default.to_owned());
        };
        match check(path, &text, "answer") {
            Ok(()) => return Ok(text.trim().to_owned()),
            Err(problem) => questioner.complain(&problem.to_string()).map_err(InitError::io("terminal"))?,
        }
    }
}

fn check(path: &str, text: &str, origin: &str) -> Result<(), Problem> {
    keys::find(path).map_or(Ok(()), |key| check_value(key, text, origin))
}

fn secret(args: &InitArgs, questioner: &mut impl Questioner, stdin: &mut impl Read) -> Result<Secret, InitError> {
    let text = match args.opensky_client_secret_file.as_deref() {
        Some(file) if file == Path::new("-") => {
            let mut text = Vec::new();
            let read = stdin.take(MAX_SECRET_FILE).read_to_end(&mut text);
            text_of("standard input", read.map(|_| text).map_err(ReadError::Io))?
        }
        Some(file) => {
            let name = file.display().to_string();
            text_of(&name, textfile::read_bytes(file, MAX_SECRET_FILE))?
        }
        None => {
            let asked = questioner.ask_secret("OpenSky API client secret (not shown)");
            asked.map_err(InitError::io("terminal"))?.ok_or(InitError::NoSecret)?
        }
    };
    if text.is_empty() {
        return Err(InitError::NoSecret);
    }
    check("opensky.client_secret", &text, "the client's secret")?;
    Ok(Secret::new(text))
}

/// The text of a secret's file, without white space around it.
fn text_of(name: &str, content: Result<Vec<u8>, ReadError>) -> Result<String, InitError> {
    let text = content.and_then(|content| Ok(textfile::decode(content)?));
    let text = text.map_err(|error| match error {
        ReadError::Io(error) => error,
        error => io::Error::other(error),
    });
    Ok(text.map_err(InitError::io(name))?.trim().to_owned())
}
