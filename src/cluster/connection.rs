//! A client of the chosen cluster: made, and made anew when its credentials end.
//!
//! How bytes get to the server is the dialler's matter (see [`super::dial`]); everything above it, from TLS to headers, is
//! put together here once for all of them. The feeds borrow the client for each request, so fresh credentials need no
//! restart of theirs.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::Uri;
use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use jiff::{SignedDuration, Timestamp};
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::config::KubeconfigError as KubeError;
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;
use tower::{BoxError, ServiceBuilder};

use crate::model::Namespace;

use super::access::Access;
use super::dial;
use super::exec::{self, ExecError};
use super::gateway::{Gateway, Through};
use super::kubeconfig::{self, Chosen, KubeconfigError};
use super::remote::RemoteError;
use super::streaming::Streaming;

/// For TCP and TLS together.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(15);
/// For reading kubeconfig, certificates and the system's trust store.
pub(super) const READ_LIMIT: Duration = Duration::from_secs(20);
/// Credentials are renewed this long before they end.
const RENEW_AHEAD: SignedDuration = SignedDuration::from_secs(60);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// The kubeconfig leads to no cluster.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// The SSH host's kubeconfig cannot be used, or the host cannot be reached.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The credential plugin gave nothing.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// Certificates, keys or tokens that the kubeconfig names cannot be used.
    #[error("the credentials or certificates of the context '{context}' cannot be used")]
    Material {
        /// The context.
        context: String,
        /// What is wrong with them.
        source: Box<kube::Error>,
    },
    /// The proxy cannot be used.
    #[error("the proxy '{url}' cannot be used: only http:// and socks5:// can")]
    Proxy {
        /// The proxy's URL, without credentials.
        url: String,
    },
    /// The files did not come.
    #[error("the kubeconfig and what it names could not be read within {} s", READ_LIMIT.as_secs())]
    SlowFiles,
    /// The thread that read the files died.
    #[error("reading the kubeconfig failed")]
    Interrupted(#[source] tokio::task::JoinError),
}

/// A client that is lent out for one request.
#[derive(Clone)]
pub(super) struct Lease {
    pub(super) client: kube::Client,
    generation: u64,
}

/// The cluster's names, and the client that stands for it at the moment.
pub(super) struct Connection {
    pub(super) context: String,
    pub(super) server: String,
    pub(super) namespace: Namespace,
    access: Arc<Access>,
    current: Mutex<Current>,
    resets: watch::Sender<()>,
    /// Whether lists can be had as streams.
    pub(super) streaming: Streaming,
}

struct Current {
    lease: Lease,
    until: Option<Timestamp>,
    /// The client's connections are taken for dead.
    stale: bool,
}

impl Connection {
    /// Reads the kubeconfig and makes a client. Sends nothing yet, but may run a credential plugin.
    pub(super) async fn open(
        access: Arc<Access>,
        context: Option<&str>,
    ) -> Result<Self, ConnectError> {
        let chosen = access.read(context).await?;
        access.ready().await?;
        let (context, namespace) = (chosen.context.clone(), chosen.namespace.clone());
        let server = kubeconfig::server_of(&chosen.config.cluster_url);
        let (client, until) = client(chosen, access.gateway()).await?;
        let lease = Lease {
            client,
            generation: 0,
        };
        Ok(Self {
            context,
            server,
            namespace,
            access,
            current: Mutex::new(Current {
                lease,
                until,
                stale: false,
            }),
            resets: watch::Sender::new(()),
            streaming: Streaming::default(),
        })
    }

    /// The client, with credentials that still hold for a while where that is known.
    pub(super) async fn lease(&self) -> Result<Lease, ConnectError> {
        let mut current = self.current.lock().await;
        let ends_soon = |until| Timestamp::now() + RENEW_AHEAD > until;
        if current.stale || current.until.is_some_and(ends_soon) {
            self.replace(&mut current).await?;
        }
        Ok(current.lease.clone())
    }

    /// A client with credentials read anew, because those of `refused` were not taken. Of several that ask at once, the
    /// first does the work.
    pub(super) async fn renew(&self, refused: &Lease) -> Result<Lease, ConnectError> {
        let mut current = self.current.lock().await;
        if current.lease.generation == refused.generation {
            self.replace(&mut current).await?;
        }
        Ok(current.lease.clone())
    }

    /// Gives up every connection to the server: whoever waits for something on one is told by [`Self::resets`].
    pub(super) async fn reset(&self) {
        self.current.lock().await.stale = true;
        self.resets.send_replace(());
    }

    /// Changes at each [`Self::reset`].
    pub(super) fn resets(&self) -> watch::Receiver<()> {
        self.resets.subscribe()
    }

    async fn replace(&self, current: &mut Current) -> Result<(), ConnectError> {
        let chosen = self.access.read(Some(&self.context)).await?;
        let (client, until) = client(chosen, self.access.gateway()).await?;
        let generation = current.lease.generation + 1;
        *current = Current {
            lease: Lease { client, generation },
            until,
            stale: false,
        };
        Ok(())
    }
}

/// Runs what blocks on files, but does not wait for it for ever.
pub(super) async fn in_time<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ConnectError> {
    timeout(READ_LIMIT, tokio::task::spawn_blocking(work))
        .await
        .map_err(|_elapsed| ConnectError::SlowFiles)?
        .map_err(ConnectError::Interrupted)
}

/// The client, and when its credentials end.
async fn client(
    mut chosen: Chosen,
    gateway: Option<Arc<dyn Gateway>>,
) -> Result<(kube::Client, Option<Timestamp>), ConnectError> {
    let until = plug_in(&mut chosen.config).await?;
    let context = chosen.context.clone();
    let client = in_time(move || build(chosen, gateway))
        .await?
        .map_err(|error| match error {
            BuildError::Material(source) => ConnectError::Material { context, source },
            BuildError::Proxy(url) => ConnectError::Proxy { url },
        })?;
    Ok((client, until))
}

/// Runs the credential plugin, if there is one, and puts what it printed in its place.
async fn plug_in(config: &mut kube::Config) -> Result<Option<Timestamp>, ConnectError> {
    // The same order as kubectl: credentials that stand in the kubeconfig itself come first.
    let auth = &mut config.auth_info;
    let Some(plugin) = auth.exec.take() else {
        return Ok(None);
    };
    if auth.token.is_some() || auth.token_file.is_some() || auth.username.is_some() {
        return Ok(None);
    }
    let credentials = exec::run(&plugin).await?;
    if let Some(token) = credentials.token {
        auth.token = Some(token.expose().to_owned().into());
    }
    if let Some((certificate, key)) = credentials.certificate {
        auth.client_certificate_data = Some(BASE64.encode(certificate));
        auth.client_key_data = Some(BASE64.encode(key.expose()).into());
    }
    Ok(credentials.until)
}

enum BuildError {
    Material(Box<kube::Error>),
    Proxy(String),
}

impl From<kube::Error> for BuildError {
    fn from(error: kube::Error) -> Self {
        Self::Material(Box::new(error))
    }
}

fn build(chosen: Chosen, gateway: Option<Arc<dyn Gateway>>) -> Result<kube::Client, BuildError> {
    let Chosen { config, proxy, .. } = chosen;
    match gateway {
        None => {
            let proxy = proxy_for(&config.cluster_url, proxy.as_deref())?;
            build_over(dial::Tcp, &config, proxy)
        }
        // The proxies of this computer's environment are not on the way from there.
        Some(gateway) => {
            let proxy = proxy.map(|url| own_proxy(&config.cluster_url, &url));
            let proxy = proxy.transpose()?;
            build_over(Through(gateway), &config, proxy)
        }
    }
}

fn build_over<D>(
    dialler: D,
    config: &kube::Config,
    proxy: Option<Intercept>,
) -> Result<kube::Client, BuildError>
where
    D: tower::Service<Uri, Error = dial::DialError> + Clone + Send + Sync + 'static,
    D::Response: hyper::rt::Read
        + hyper::rt::Write
        + hyper_util::client::legacy::connect::Connection
        + Send
        + Unpin
        + 'static,
    D::Future: Send + 'static,
{
    let Some(proxy) = proxy else {
        return Ok(client_over(dialler, config)?);
    };
    match proxy.uri().scheme_str() {
        Some("http") => {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), dialler);
            if let Some(auth) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(auth.clone());
            }
            Ok(client_over(tunnel, config)?)
        }
        Some("socks5" | "socks5h") => {
            let mut socks = SocksV5::new(proxy.uri().clone(), dialler);
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.to_owned(), password.to_owned());
            }
            Ok(client_over(socks, config)?)
        }
        _ => Err(BuildError::Proxy(kubeconfig::server_of(proxy.uri()))),
    }
}

/// The kubeconfig's own proxy. One that cannot be used is not gone around.
fn own_proxy(server: &Uri, url: &str) -> Result<Intercept, BuildError> {
    let proxy = Matcher::builder().all(url).build().intercept(server);
    proxy.ok_or_else(|| {
        let shown = url.parse().map(|url| kubeconfig::server_of(&url));
        // What is no URL may have a password in it all the same.
        let after_credentials = || url.rsplit('@').next().unwrap_or_default().to_owned();
        BuildError::Proxy(shown.unwrap_or_else(|_no_url| after_credentials()))
    })
}

/// The kubeconfig's own proxy, else that of the environment; as in Go, the environment's is not used for this computer.
fn proxy_for(server: &Uri, own: Option<&str>) -> Result<Option<Intercept>, BuildError> {
    if let Some(url) = own {
        return own_proxy(server, url).map(Some);
    }
    let host = server.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_local = host == "localhost"
        || host
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    Ok((!is_local)
        .then(|| Matcher::from_env().intercept(server))
        .flatten())
}

/// A client whose bytes go through `dialler`. The server's certificate is checked against the name in the kubeconfig
/// (`tls-server-name`, else the URL's host), wherever the dialler leads.
pub(super) fn client_over<D>(dialler: D, config: &kube::Config) -> Result<kube::Client, kube::Error>
where
    D: tower::Service<Uri> + Clone + Send + Sync + 'static,
    D::Response: hyper::rt::Read
        + hyper::rt::Write
        + hyper_util::client::legacy::connect::Connection
        + Send
        + Unpin
        + 'static,
    D::Future: Send + 'static,
    D::Error: Into<BoxError>,
{
    let mut https = HttpsConnectorBuilder::new()
        .with_tls_config(config.rustls_client_config()?)
        .https_or_http();
    if let Some(name) = &config.tls_server_name {
        let name = name
            .clone()
            .try_into()
            .map_err(kube::client::RustlsTlsError::InvalidServerName);
        https = https.with_server_name_resolver(FixedServerNameResolver::new(
            name.map_err(kube::Error::RustlsTls)?,
        ));
    }
    // HTTP/2 carries all watches over one connection; HTTP/1 remains for proxies that know no better.
    let connector = Limited(https.enable_all_versions().wrap_connector(dialler));
    let http: HttpClient<_, Body> = HttpClient::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http2_initial_stream_window_size(1 << 20)
        .http2_initial_connection_window_size(1 << 22)
        .build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http);
    Ok(ClientBuilder::new(service, config.default_namespace.clone()).build())
}

/// Puts an end to a handshake that hangs: a server that takes the connection and then says nothing.
#[derive(Clone)]
struct Limited<C>(C);

impl<C> tower::Service<Uri> for Limited<C>
where
    C: tower::Service<Uri>,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let host = uri.host().unwrap_or_default().to_owned();
        let connecting = self.0.call(uri);
        Box::pin(async move {
            match timeout(HANDSHAKE_LIMIT, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_elapsed) => Err(Box::new(dial::timed_out(&host, HANDSHAKE_LIMIT)) as BoxError),
            }
        })
    }
}

/// Whether a kubeconfig's error is about the person's files rather than the way there.
pub(super) fn material_path(error: &kube::Error) -> Option<&std::path::Path> {
    let kube::Error::InferKubeconfig(
        KubeError::LoadCertificateAuthority(source)
        | KubeError::LoadClientCertificate(source)
        | KubeError::LoadClientKey(source),
    ) = error
    else {
        return None;
    };
    match source {
        kube::config::LoadDataError::ReadFile(_, path) => Some(path),
        _ => None,
    }
}

impl ConnectError {
    /// Whether only the person can help: nothing but a change of the kubeconfig makes another try worthwhile.
    pub(super) fn takes_person(&self) -> bool {
        match self {
            Self::Kubeconfig(_) | Self::Proxy { .. } => true,
            Self::Remote(error) => error.takes_person(),
            Self::Exec(_) | Self::Material { .. } | Self::SlowFiles | Self::Interrupted(_) => false,
        }
    }

    /// Whether it may be looked at again by itself although it takes the person: a file on the host, unlike one on this
    /// computer, does not tell when it changes.
    pub(super) const fn look_again(&self) -> bool {
        matches!(self, Self::Remote(error) if error.may_change())
    }
}
