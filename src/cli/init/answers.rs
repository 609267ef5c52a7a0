use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use textfile::ReadError;

use super::args::{InitArgs, InitError};
use super::terminal::Questioner;
use crate::config::{DatabaseSettings, KafkaSettings, OpenSkySettings, Secret, Setting};
use crate::sources::{SourceAddress, SourceKind, likely_kind};

/// The maximum size of a secret file in bytes. The secret is a single line.
const MAX_SECRET_FILE: u64 = 64 * 1024;

/// The settings to ask for in addition to the API client.
const QUESTIONS: [(&Setting, &str); 3] = [
    (OpenSkySettings::bounding_box, "Area as lamin,lomin,lamax,lomax in degrees (empty: the world)"),
    (KafkaSettings::bootstrap_servers, "Kafka brokers as host:port,host:port (empty: an embedded one)"),
    (DatabaseSettings::url, "Database, sqlite://PATH or postgres://user:password@host/name"),
];

/// The settings of a first deployment. All texts are valid values.
#[derive(Clone)]
pub(super) struct Answers {
    /// The id and the secret of the OpenSky API client; `None` for anonymous requests.
    pub(super) client: Option<(String, Secret)>,
    /// The settings by path.
    pub(super) settings: BTreeMap<&'static str, String>,
}

pub(super) fn gather(
    args: &InitArgs,
    questioner: &mut impl Questioner,
    stdin: &mut impl Read,
) -> Result<Answers, InitError> {
    let mut settings = BTreeMap::new();
    for (setting, text) in args.settings.0.iter() {
        setting.check(text, &format!("flag --{}", setting.flag().unwrap_or_default()))?;
        settings.insert(setting.path, text.trim().to_owned());
    }
    let client_id = match settings.remove(OpenSkySettings::client_id.path) {
        Some(id) => id,
        None => {
            ask(OpenSkySettings::client_id, "OpenSky API client id (empty: anonymous, 400 credits a day)", questioner)?
        }
    };
    let client = if client_id.is_empty() { None } else { Some((client_id, secret(args, questioner, stdin)?)) };
    for (setting, question) in QUESTIONS {
        if !settings.contains_key(setting.path) {
            settings.insert(setting.path, ask(setting, question, questioner)?);
        }
    }
    if let Some((kind, address)) = receiver(args, questioner)? {
        settings.insert("sources.receiver.kind", kind.name.to_owned());
        settings.insert("sources.receiver.url", address.to_string());
    }
    Ok(Answers { client, settings })
}

/// Asks for the address of a receiver or a feed, and returns it with its kind.
fn receiver(
    args: &InitArgs,
    questioner: &mut impl Questioner,
) -> Result<Option<(&'static SourceKind, SourceAddress)>, InitError> {
    let parse = |text: &str| -> Result<_, String> {
        let address: SourceAddress = text.parse().map_err(|error| format!("{text}: {error}"))?;
        let kind = likely_kind(&address).ok_or_else(|| {
            format!("{text}: its kind cannot be told from the address; add it to `sources` in the file")
        })?;
        Ok((kind, address))
    };
    if let Some(text) = &args.receiver {
        if text.trim().is_empty() {
            return Ok(None);
        }
        return parse(text.trim()).map(Some).map_err(InitError::Receiver);
    }
    loop {
        let question = "Receiver or feed, such as http://roof/data/aircraft.json or roof:30005 (empty: none)";
        let text = questioner.ask(question, "").map_err(InitError::io("terminal"))?.unwrap_or_default();
        if text.trim().is_empty() {
            return Ok(None);
        }
        match parse(text.trim()) {
            Ok(found) => return Ok(Some(found)),
            Err(problem) => questioner.show_error(&problem).map_err(InitError::io("terminal"))?,
        }
    }
}

/// Asks until the answer is valid. Without an answer, returns the default.
fn ask(setting: &'static Setting, question: &str, questioner: &mut impl Questioner) -> Result<String, InitError> {
    let terminal = || InitError::io("terminal");
    loop {
        let Some(text) = questioner.ask(question, setting.default).map_err(terminal())? else {
            return Ok(setting.default.to_owned());
        };
        match setting.check(&text, "answer") {
            Ok(()) => return Ok(text.trim().to_owned()),
            Err(problem) => questioner.show_error(&problem.to_string()).map_err(terminal())?,
        }
    }
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
    OpenSkySettings::client_secret.check(&text, "the client secret")?;
    Ok(Secret::new(text))
}

/// Returns the text of a secret file, without surrounding white space.
fn text_of(name: &str, content: Result<Vec<u8>, ReadError>) -> Result<String, InitError> {
    let text = content.and_then(|content| Ok(textfile::decode(content)?));
    let text = text.map_err(|error| match error {
        ReadError::Io(error) => error,
        error => io::Error::other(error),
    });
    Ok(text.map_err(InitError::io(name))?.trim().to_owned())
}
