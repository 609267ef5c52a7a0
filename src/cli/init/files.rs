use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Answers, InitError};
use crate::config::config_file;

const PRIVATE: u32 = 0o600;

pub(super) fn write(
    answers: &Answers,
    config: &Path,
    credentials: &Path,
    replace: bool,
) -> Result<Vec<PathBuf>, InitError> {
    let mut values = BTreeMap::from([
        ("opensky.bounding_box", answers.bounding_box.clone()),
        ("kafka.bootstrap_servers", answers.bootstrap_servers.clone()),
        ("database.url", answers.database_url.expose().to_owned()),
    ]);
    let mut written = Vec::new();
    if let Some(client) = &answers.client {
        let text = format!("{:#}\n", json!({ "clientId": client.id, "clientSecret": client.secret.expose() }));
        write_file(credentials, &text, PRIVATE, replace)?;
        written.push(credentials.to_owned());
        values.insert("opensky.credentials_file", credentials.display().to_string());
    }
    // An address with an @ may hold a password.
    let mode = if answers.database_url.expose().contains(['@', '?']) { PRIVATE } else { 0o644 };
    write_file(config, &config_file(&values), mode, replace)?;
    written.push(config.to_owned());
    Ok(written)
}

/// Writes a file of its own first, so that nobody ever reads half a file, or one with wider permissions.
fn write_file(file: &Path, text: &str, mode: u32, replace: bool) -> Result<(), InitError> {
    let fresh = file.with_extension(format!("new.{}", std::process::id()));
    let _ = fs::remove_file(&fresh);
    let put = || -> io::Result<()> {
        let mut opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
        opened.write_all(text.as_bytes())?;
        opened.sync_all()?;
        if replace { fs::rename(&fresh, file) } else { fs::hard_link(&fresh, file) }
    };
    let result = put();
    let _ = fs::remove_file(&fresh);
    result.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists if !replace => InitError::Exists(file.to_owned()),
        _ => InitError::io(&file.display())(error),
    })
}
