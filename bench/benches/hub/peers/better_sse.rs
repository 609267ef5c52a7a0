//! better-sse, an npm library for Node.js.

use std::path::Path;
use std::process::Command;

use anyhow::ensure;
use tempfile::tempdir;

use super::{Peer, free_port};
use crate::group::Group;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/hub/peers/better-sse");

pub(super) fn start() -> anyhow::Result<Peer> {
    if !Path::new(FOLDER).join("node_modules/better-sse").exists() {
        let npm = Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"])
            .current_dir(FOLDER)
            .status()?;
        ensure!(npm.success(), "npm failed to install better-sse");
    }
    let address = free_port()?;
    let mut command = Command::new("node");
    command.arg(Path::new(FOLDER).join("serve.mjs")).env("PORT", address.port().to_string());
    let group = Group::start(command, tempdir()?)?;
    Peer::over_http("better-sse", group, address, ("/events", "/publish"))
}
