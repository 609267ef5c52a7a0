//! PostgreSQL behind TLS: a proxy with a certificate for `localhost`, and every `sslmode`.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use flight_monitor::storage::{DatabaseUrl, OpenError, QueryError, Storage, StorageOptions};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use url::Url;

use crate::databases::{Postgres, TestDatabase};

/// The message that requests TLS before a session starts (PostgreSQL manual, "SSLRequest").
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Starts a proxy that requires TLS and forwards the decrypted bytes to the server. Returns its port.
async fn start_tls_proxy(server: &Url, authority: &CertifiedIssuer<'static, KeyPair>) -> u16 {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let to = format!("{}:{}", server.host_str().unwrap(), server.port().unwrap_or(5432));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let (acceptor, to) = (acceptor.clone(), to.clone());
            tokio::spawn(async move {
                let mut request = [0; 8];
                client.read_exact(&mut request).await?;
                if request == SSL_REQUEST {
                    client.write_all(b"S").await?;
                    let mut client = acceptor.accept(client).await?;
                    copy_bidirectional(&mut client, &mut TcpStream::connect(to).await?).await?;
                }
                Ok::<_, std::io::Error>(())
            });
        }
    });
    port
}

fn open(url: &Url) -> Result<Storage, OpenError> {
    Storage::open(&DatabaseUrl::from_str(url.as_str()).unwrap(), StorageOptions::default())
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn each_sslmode_verifies_what_it_promises() {
    let (database, _) = Postgres::migrated().await;
    let (ours, other) = (authority(), authority());
    let folder = tempfile::tempdir().unwrap();
    let certificate = |name: &str, authority: &CertifiedIssuer<'static, KeyPair>| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, authority.pem()).unwrap();
        path
    };
    let (ours_pem, other_pem) = (certificate("ours.pem", &ours), certificate("other.pem", &other));
    let port = start_tls_proxy(&database.url, &ours).await;

    for (host, mode, roots, works) in [
        ("localhost", "disable", None, false),
        ("localhost", "prefer", None, true),
        ("127.0.0.1", "require", None, true),
        ("127.0.0.1", "require", Some(&ours_pem), true),
        ("127.0.0.1", "require", Some(&other_pem), false),
        ("localhost", "verify-ca", Some(&ours_pem), true),
        ("127.0.0.1", "verify-ca", Some(&ours_pem), true),
        ("localhost", "verify-ca", Some(&other_pem), false),
        ("localhost", "verify-full", Some(&ours_pem), true),
        ("127.0.0.1", "verify-full", Some(&ours_pem), false),
        ("localhost", "verify-full", Some(&other_pem), false),
    ] {
        let mut url = database.url.clone();
        url.set_host(Some(host)).unwrap();
        url.set_port(Some(port)).unwrap();
        let roots = roots.map_or(String::new(), |path| format!("&sslrootcert={}", path.display()));
        url.set_query(Some(&format!("sslmode={mode}{roots}")));
        let answer = open(&url).unwrap().ping().await;
        assert_eq!(answer.is_ok(), works, "{host} {mode} {roots}: {answer:?}");
        if !works && mode != "disable" {
            assert!(
                matches!(&answer, Err(QueryError::Unavailable(reason)) if reason.contains("certificate")),
                "{answer:?}"
            );
        }
    }
}

#[actix_rt::test]
#[ignore = "needs PostgreSQL: run it by `make test`"]
async fn a_server_without_tls_is_refused_if_tls_is_required() {
    let (database, _) = Postgres::migrated().await;
    let encrypted = "SELECT current_setting('ssl') = 'on'";
    if database.client().await.query_one(encrypted, &[]).await.unwrap().get(0) {
        // `TEST_DATABASE_URL` may name a server that has TLS.
        return;
    }
    for (mode, works) in [("prefer", true), ("require", false)] {
        let mut url = database.url.clone();
        url.set_query(Some(&format!("sslmode={mode}")));
        assert_eq!(open(&url).unwrap().ping().await.is_ok(), works);
    }
}

#[test]
fn an_invalid_root_certificate_file_is_named_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for path in [empty, folder.path().join("missing.pem")] {
        let url = format!("postgres://localhost/f?sslmode=verify-full&sslrootcert={}", path.display());
        let error = open(&Url::parse(&url).unwrap()).unwrap_err();
        assert!(matches!(error, OpenError::Certificates { .. }), "{error:?}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}
