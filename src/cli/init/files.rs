use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::answers::Answers;
use super::args::InitError;
use crate::atomic_file::{self, Existing};
use crate::config::{OpenSkySettings, Secrecy, Setting, Shape, config_file, settings};

const PRIVATE: u32 = 0o600;

pub(super) fn write(
    answers: &Answers,
    config: &Path,
    credentials: &Path,
    existing: Existing,
) -> Result<Vec<PathBuf>, InitError> {
    let mut values = answers.settings.clone();
    let mut written = Vec::new();
    if let Some((id, secret)) = &answers.client {
        let text = format!("{:#}\n", json!({ "clientId": id, "clientSecret": secret.expose() }));
        write_file(credentials, &text, PRIVATE, existing)?;
        written.push(credentials.to_owned());
        values.insert(OpenSkySettings::credentials_file.path, credentials.display().to_string());
    }
    // A URL with an @ or a query may contain a password, and so may Kafka properties.
    let may_hold_secret = |setting: &Setting| {
        let text = values.get(setting.path).map_or("", String::as_str);
        match setting.shape {
            Shape::Map => !text.is_empty(),
            _ => text.contains(['@', '?']),
        }
    };
    let private = settings().filter(|setting| setting.secrecy != Secrecy::Public).any(may_hold_secret);
    let mode = if private { PRIVATE } else { 0o644 };
    write_file(config, &config_file(&values), mode, existing)?;
    written.push(config.to_owned());
    Ok(written)
}

fn write_file(file: &Path, text: &str, mode: u32, existing: Existing) -> Result<(), InitError> {
    atomic_file::write(file, text, mode, existing).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => InitError::Exists(file.to_owned()),
        _ => InitError::io(&file.display())(error),
    })
}
