//! A certificate and its private key as PEM text, checked before anything is dialled.
//!
//! No fault repeats any of the text: all of it is secret.

use rustls::Error;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::value::Fault;

/// The certificates in `text`, the client's own first. At least one.
pub(super) fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or(Fault::NoCertificate)
}

/// The first private key in `text`.
pub(super) fn private_key(text: &str) -> Result<PrivateKeyDer<'static>, Fault> {
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| {
        // PKCS#8 and the older form of OpenSSL say so in different places.
        let is_encrypted = text.contains("ENCRYPTED");
        if is_encrypted { Fault::EncryptedKey } else { Fault::NoPrivateKey }
    })
}

/// Whether the key belongs to the first of the certificates.
pub(super) fn check_pair(
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<(), Fault> {
    let key = ring::default_provider()
        .key_provider
        .load_private_key(key)
        .map_err(|_| Fault::UnusableKey)?;
    match CertifiedKey::new(certificates, key).keys_match() {
        Ok(()) => Ok(()),
        Err(Error::InconsistentKeys(_)) => Err(Fault::KeyMismatch),
        Err(_) => Err(Fault::BadCertificate),
    }
}
