//! The demo's keys and certificates, made anew at each start.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_ED25519,
};
use russh::keys::PrivateKey;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Why keys could not be made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The certificates.
    #[error("the demo's certificates could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS does not take them.
    #[error("the demo's TLS could not be set up: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
    /// The SSH keys.
    #[error("the demo's SSH keys could not be made: {0}")]
    Ssh(#[from] russh::keys::Error),
}

/// A server's certificate and who vouches for it.
pub(super) struct Tls {
    /// The authority's certificate in PEM.
    pub authority_pem: String,
    /// For the API: HTTP/2 and HTTP/1.1 are offered.
    pub api: TlsAcceptor,
    /// For the applications: HTTP/1.1 alone.
    pub apps: TlsAcceptor,
}

impl Tls {
    /// A new authority and a certificate of it.
    pub(super) fn new() -> Result<Self, KeyError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        params
            .distinguished_name
            .push(DnType::CommonName, "Adit demo cluster");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

        let names = [
            "127.0.0.1",
            "10.0.0.100",
            "10.96.0.1",
            "localhost",
            "kubernetes",
            "kubernetes.default.svc",
        ];
        let mut params = CertificateParams::new(names.map(str::to_owned))?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params
            .distinguished_name
            .push(DnType::CommonName, "kubernetes");
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &authority)?;
        let chain = vec![certificate.der().clone()];
        let acceptor = |protocols: &[&[u8]]| {
            let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
            let mut config =
                ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
                    .with_safe_default_protocol_versions()?
                    .with_no_client_auth()
                    .with_single_cert(chain.clone(), key)?;
            config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
            Ok::<_, KeyError>(TlsAcceptor::from(Arc::new(config)))
        };
        Ok(Self {
            authority_pem: authority.pem(),
            api: acceptor(&[b"h2", b"http/1.1"])?,
            apps: acceptor(&[b"http/1.1"])?,
        })
    }
}

/// A new Ed25519 key for SSH.
pub(super) fn ssh_key() -> Result<PrivateKey, KeyError> {
    let pair = KeyPair::generate_for(&PKCS_ED25519)?;
    Ok(russh::keys::decode_secret_key(&pair.serialize_pem(), None)?)
}

/// A new token: the hash of a secret key that nobody else ever sees.
pub(super) fn token() -> Result<String, KeyError> {
    let secret = KeyPair::generate()?.serialize_der();
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(secret)))
}
