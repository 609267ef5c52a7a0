//! Reads certificates and private keys from PEM files. If a file has another format, the error says which.

use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use textfile::{NotText, ReadError};

/// The maximum size of a PEM file in bytes. A bundle of the public certificate authorities has about 250 kB.
const MAX_BYTES: u64 = 16 << 20;

/// Returns the certificates in a file; at least one.
///
/// # Errors
/// Returns a description of the problem, without the path.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read(path)?;
    let found = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| format!("invalid PEM: {error}"))?;
    if !found.is_empty() {
        return Ok(found);
    }
    let labels = Labels::of(&text);
    Err(if labels.any("PRIVATE KEY") {
        "the file contains a private key but no certificate; were the certificate and the key swapped?".to_owned()
    } else {
        format!("the file contains no certificate in PEM format{}", labels.describe())
    })
}

/// Returns the first private key in a file.
///
/// # Errors
/// Returns a description of the problem, without the path.
pub(crate) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let text = read(path)?;
    let labels = Labels::of(&text);
    // PKCS #8 marks encryption in the label, older formats in a header line.
    if labels.any("ENCRYPTED PRIVATE KEY") || text.lines().any(|line| line.starts_with("Proc-Type: 4,ENCRYPTED")) {
        return Err("the private key is encrypted, and there is no passphrase; decrypt it with \
                    `openssl pkey -in KEY -out DECRYPTED_KEY` and name that file"
            .to_owned());
    }
    match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
        Ok(key) => Ok(key),
        Err(_) if labels.any("OPENSSH PRIVATE KEY") => {
            Err("the private key is in the format of OpenSSH; convert a copy \
             of it with `ssh-keygen -p -m PKCS8 -f COPY`"
                .to_owned())
        }
        Err(_) if labels.any("PUBLIC KEY") => {
            Err("the file contains a public key; the private key is needed".to_owned())
        }
        Err(_) if labels.any("CERTIFICATE") && !labels.any("CERTIFICATE REQUEST") => {
            Err("the file contains a certificate but no private key; were the certificate and the key swapped?"
                .to_owned())
        }
        Err(rustls::pki_types::pem::Error::NoItemsFound) => {
            Err(format!("the file contains no private key in PEM format{}", labels.describe()))
        }
        Err(error) => Err(format!("invalid PEM: {error}")),
    }
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = textfile::read_bytes(path, MAX_BYTES).map_err(|error| error.to_string())?;
    // A SEQUENCE with a two-byte length is DER or PKCS #12. FEEDFEED marks a Java keystore.
    match bytes.get(..4) {
        Some([0x30, 0x82, ..]) => {
            return Err("the file is binary (DER or PKCS #12), not PEM; convert it with `openssl x509 -inform der`, \
                        `openssl pkey -inform der` or `openssl pkcs12 -nodes`"
                .to_owned());
        }
        Some([0xfe, 0xed, 0xfe, 0xed]) => {
            return Err("the file is a Java key store, not PEM; export it with `keytool -importkeystore \
                        -deststoretype pkcs12` and `openssl pkcs12 -nodes`"
                .to_owned());
        }
        _ => {}
    }
    textfile::decode(bytes).map_err(|error: NotText| ReadError::NotText(error).to_string())
}

/// The labels in a PEM file.
struct Labels(Vec<String>);

impl Labels {
    fn of(text: &str) -> Self {
        let label = |line: &str| line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----").map(str::to_owned);
        Self(text.lines().filter_map(label).collect())
    }

    fn any(&self, part: &str) -> bool {
        self.0.iter().any(|label| label.contains(part))
    }

    fn describe(&self) -> String {
        match self.0.first() {
            Some(label) => format!("; it starts with {:?}", label.chars().take(40).collect::<String>()),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: impl AsRef<[u8]>) -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file.pem");
        std::fs::write(&path, content).unwrap();
        (directory, path)
    }

    #[test]
    fn pem_files_are_read_with_a_byte_order_mark_and_with_crlf() {
        let generated = rcgen::generate_simple_self_signed(["one.example".to_owned()]).unwrap();
        for (certificate, key) in [
            (generated.cert.pem(), generated.signing_key.serialize_pem()),
            (format!("\u{feff}{}", generated.cert.pem()), format!("\u{feff}{}", generated.signing_key.serialize_pem())),
            (generated.cert.pem().replace('\n', "\r\n"), generated.signing_key.serialize_pem().replace('\n', "\r\n")),
        ] {
            assert_eq!(certificates_of(&certificate), Ok(1));
            assert_eq!(private_key_of(&key), Ok(()));
        }
    }

    fn certificates_of(content: impl AsRef<[u8]>) -> Result<usize, String> {
        let (_directory, path) = file(content);
        certificates(&path).map(|chain| chain.len())
    }

    fn private_key_of(content: impl AsRef<[u8]>) -> Result<(), String> {
        let (_directory, path) = file(content);
        private_key(&path).map(drop)
    }

    #[test]
    fn files_of_the_wrong_kind_are_rejected_with_their_kind() {
        let generated = rcgen::generate_simple_self_signed(["one.example".to_owned()]).unwrap();
        let (certificate, key) = (generated.cert.pem(), generated.signing_key.serialize_pem());
        let utf16: Vec<u8> = key.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let block = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        for (error, part) in [
            (private_key_of(&certificate), "contains a certificate but no private key"),
            (private_key_of(block("ENCRYPTED PRIVATE KEY")), "openssl pkey -in"),
            (
                private_key_of(
                    block("RSA PRIVATE KEY").replace("-\nA", "-\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0\n\nA"),
                ),
                "the private key is encrypted",
            ),
            (private_key_of(block("OPENSSH PRIVATE KEY")), "ssh-keygen -p"),
            (private_key_of(block("PUBLIC KEY")), "a public key"),
            (private_key_of(block("CERTIFICATE REQUEST")), "starts with \"CERTIFICATE REQUEST\""),
            (private_key_of(""), "no private key in PEM"),
            (private_key_of(utf16), "UTF-16"),
            (private_key_of([0x30, 0x82, 1, 2, 3]), "DER or PKCS #12"),
        ] {
            let error = error.unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        for (error, part) in [
            (certificates_of(&key), "contains a private key but no certificate"),
            (certificates_of("no certificate"), "no certificate in PEM"),
            (certificates_of(b"\xfe\xed\xfe\xed\0"), "Java key store"),
        ] {
            let error = error.unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(certificates_of(certificate), Ok(1));
    }
}
