//! nchan, an nginx module (Debian package `libnginx-mod-nchan`).

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use anyhow::ensure;
use tempfile::tempdir;

use super::{Peer, free_port};
use crate::group::Group;

const MODULE: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

pub(super) fn start() -> anyhow::Result<Peer> {
    ensure!(Path::new(MODULE).exists(), "nchan is missing: apt-get install nginx-light libnginx-mod-nchan");
    let (address, folder) = (free_port()?, tempdir()?);
    let configuration = folder.path().join("nginx.conf");
    std::fs::write(&configuration, self::configuration(folder.path(), address.port()))?;
    let mut command = Command::new("/usr/sbin/nginx");
    command.arg("-p").arg(folder.path()).arg("-e").arg("stderr").arg("-c").arg(&configuration);
    let group = Group::start(command, folder)?;
    Peer::over_http("nchan", group, address, ("/events", "/publish"))
}

/// Returns a configuration as nchan's documentation recommends for many subscribers. A new client gets the newest
/// message immediately.
fn configuration(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    // A master that runs as root runs its workers as another user, which could not access the folder.
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let user = if is_root { "user root;" } else { "" };
    format!(
        "{user}
daemon off;
pid {folder}/pid;
error_log stderr warn;
load_module {MODULE};
worker_processes 2;
worker_rlimit_nofile 20000;
events {{ worker_connections 15000; }}
http {{
    access_log off;
    tcp_nodelay on;
    keepalive_requests 10000000;
    client_max_body_size 1m;
    client_body_buffer_size 128k;
    client_body_in_single_buffer on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    nchan_shared_memory_size 256M;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /publish {{
            nchan_publisher;
            nchan_channel_id flights;
            nchan_message_buffer_length 1;
        }}
        location = /events {{
            nchan_subscriber eventsource;
            nchan_channel_id flights;
            nchan_subscriber_first_message oldest;
        }}
    }}
}}
"
    )
}
