//! TLS to the API server: what is verified, with what, and what is said when it fails.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::bench_tests::*;
use super::fake_api::FakeApi;

pub(super) type Authority = CertifiedIssuer<'static, KeyPair>;

pub(super) fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server's configuration, with a certificate for `name` that ends with `until` (a year).
pub(super) fn server(ca: &Authority, name: &str, until: i32) -> ServerConfig {
    server_for(ca, name, until, None)
}

fn server_for(ca: &Authority, name: &str, until: i32, clients: Option<&Authority>) -> ServerConfig {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, ca).unwrap();
    let builder = ServerConfig::builder();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            roots.add(ca.der().clone()).unwrap();
            builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder(roots.into()).build().unwrap(),
            )
        }
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = builder
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

async fn bench(config: ServerConfig, trusted: &Authority, more: &str, user: &str) -> Bench {
    let bench = Bench::over(FakeApi::start_tls(config).await);
    let ca = BASE64.encode(trusted.pem());
    let server = format!(
        "https://{}', certificate-authority-data: '{ca}'{more}, extra: '",
        bench.api.address
    );
    write_kubeconfig(&bench.path(), &server, user);
    bench
}

pub(super) const TOKEN: &str = "token: good";

#[tokio::test]
async fn one_verified_connection_carries_it_all() {
    let ca = authority();
    let bench = bench(server(&ca, "127.0.0.1", 2099), &ca, "", TOKEN).await;
    bench.api.require_token("good");
    assert_eq!(bench.watch().live().await.services.len(), ALL_SERVICES);
    assert_eq!(bench.api.version(), Some(hyper::Version::HTTP_2));
}

#[tokio::test]
async fn a_server_that_knows_only_http_1_will_do() {
    let ca = authority();
    let mut config = server(&ca, "127.0.0.1", 2099);
    config.alpn_protocols.clear();
    let bench = bench(config, &ca, "", TOKEN).await;
    bench.watch().live().await;
    assert_eq!(bench.api.version(), Some(hyper::Version::HTTP_11));
}

#[tokio::test]
async fn the_certificate_is_checked_against_tls_server_name() {
    let ca = authority();
    let config = server(&ca, "kubernetes", 2099);
    let bench = bench(config, &ca, ", tls-server-name: kubernetes", TOKEN).await;
    bench.watch().live().await;
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let (ca, clients) = (authority(), authority());
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(Vec::new())
        .unwrap()
        .signed_by(&key, &clients)
        .unwrap();
    let user = format!(
        "client-certificate-data: '{}', client-key-data: '{}'",
        BASE64.encode(certificate.pem()),
        BASE64.encode(key.serialize_pem())
    );
    let bench = bench(
        server_for(&ca, "127.0.0.1", 2099, Some(&clients)),
        &ca,
        "",
        &user,
    )
    .await;
    bench.watch().live().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said() {
    let (ca, other) = (authority(), authority());
    for (config, trusted, expected) in [
        (
            server(&ca, "127.0.0.1", 2099),
            &other,
            "is not signed by the authority that the context 'lab' trusts",
        ),
        (server(&ca, "127.0.0.1", 2010), &ca, "has expired"),
        (
            server(&ca, "example.org", 2099),
            &ca,
            "is not for that name",
        ),
        (
            server_for(&ca, "127.0.0.1", 2099, Some(&other)),
            &ca,
            "CertificateRequired",
        ),
    ] {
        let bench = bench(config, trusted, "", TOKEN).await;
        let (_, fault) = bench.watch().stale().await;
        assert_eq!(fault.code, "tls", "{fault:?}");
        assert!(fault.message.contains(expected), "{fault:?}");
        assert_eq!(bench.api.count("/"), 0, "nothing was asked over it");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told() {
    let ca = authority();
    let bench = Bench::new().await;
    let server = format!(
        "https://{}', certificate-authority-data: '{}",
        bench.api.address,
        BASE64.encode(ca.pem())
    );
    write_kubeconfig(&bench.path(), &server, TOKEN);
    let (_, fault) = bench.watch().stale().await;
    assert!(fault.message.contains("does not speak TLS"), "{fault:?}");
}
