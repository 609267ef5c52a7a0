use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{InitArgs, InitError, Questioner};
use crate::config::{ClientCredentials, Problem, Secret, check_value, keys};

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
        Some(file) if file == Path::new("-") => read_line("standard input", stdin)?,
        Some(file) => {
            let name = file.display().to_string();
            read_line(&name, &mut File::open(file).map_err(InitError::io(&name))?)?
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

/// A secret's file: one line, which is far shorter than this bound.
fn read_line(name: &str, from: &mut impl Read) -> Result<String, InitError> {
    let mut text = String::new();
    from.take(64 * 1024).read_to_string(&mut text).map_err(InitError::io(name))?;
    Ok(text.trim().to_owned())
}
