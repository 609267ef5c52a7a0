//! Memory that the kernel holds for a server's connections.

use std::process::Command;

use anyhow::{Context, ensure};

/// Returns the bytes queued in the kernel for sending by the server at this port, including buffer overhead.
pub(crate) fn waiting_to_be_sent(port: u16) -> anyhow::Result<u64> {
    let output = Command::new("ss").args(["-tmHn", "state", "established", "sport", "=", &format!(":{port}")]).output();
    let output = output.context("ss is missing: apt-get install iproute2")?;
    ensure!(output.status.success(), "ss: {}", String::from_utf8_lossy(&output.stderr));
    // skmem:(r0,rb131072,t0,tb87040,f0,w0,o0,bl0,d0), where w is the memory queued for sending.
    let text = String::from_utf8_lossy(&output.stdout);
    let memory = text.split("skmem:(").skip(1).filter_map(|rest| {
        let fields = rest.split(')').next()?.split(',');
        fields.filter_map(|field| field.strip_prefix('w')).find_map(|queued| queued.parse::<u64>().ok())
    });
    Ok(memory.sum())
}
