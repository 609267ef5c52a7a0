//! A rewrite of the broadcaster from the actix examples: one channel per client, each event formatted per client.

use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, Responder, web};
use actix_web_lab::sse::{self, Sse};
use futures_util::future::join_all;
use tempfile::tempdir;
use tokio::sync::mpsc;

use super::{Peer, free_port, this_program};
use crate::group::Group;

pub(super) fn start() -> anyhow::Result<Peer> {
    let address = free_port()?;
    let mut command = this_program("broadcaster")?;
    command.env("PORT", address.port().to_string());
    let group = Group::start(command, tempdir()?)?;
    Peer::over_http("actix broadcaster", group, address, ("/events", "/broadcast"))
}

#[derive(Default)]
struct Broadcaster {
    clients: Mutex<Vec<mpsc::Sender<sse::Event>>>,
}

impl Broadcaster {
    fn clients(&self) -> Vec<mpsc::Sender<sse::Event>> {
        self.clients.lock().map(|clients| clients.clone()).unwrap_or_default()
    }
}

async fn events(broadcaster: web::Data<Broadcaster>) -> impl Responder {
    let (sender, receiver) = mpsc::channel(10);
    // A fresh channel has room.
    let _ = sender.try_send(sse::Data::new("connected").into());
    if let Ok(mut clients) = broadcaster.clients.lock() {
        clients.push(sender);
    }
    Sse::from_infallible_receiver(receiver)
}

async fn broadcast(broadcaster: web::Data<Broadcaster>, payload: String) -> HttpResponse {
    let clients = broadcaster.clients();
    join_all(clients.iter().map(|client| client.send(sse::Data::new(payload.clone()).into()))).await;
    HttpResponse::Ok().finish()
}

pub(super) fn serve() -> anyhow::Result<()> {
    let port: u16 = std::env::var("PORT")?.parse()?;
    let broadcaster = web::Data::new(Broadcaster::default());
    actix_web::rt::System::new().block_on(async move {
        HttpServer::new(move || {
            App::new()
                .app_data(broadcaster.clone())
                .app_data(web::PayloadConfig::new(1 << 20))
                .route("/events", web::get().to(events))
                .route("/broadcast", web::post().to(broadcast))
        })
        .workers(2)
        // The publisher's connection is idle for five seconds at a time.
        .keep_alive(Duration::from_secs(75))
        .backlog(4096)
        .bind((Ipv4Addr::LOCALHOST, port))?
        .run()
        .await
    })?;
    Ok(())
}
