//! A small Kubernetes API: what clients that read need, with the manners of a real one.
//!
//! It serves the store over TLS and knows nothing of what the objects mean.

mod authority;
mod discovery;
mod list;
mod present;
mod request;
mod selector;
mod server;
mod status;
mod table;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::Value;

use self::authority::Caller;
use self::request::{Options, Shape, Target};
use self::selector::Filter;
use self::status::Failure;
use self::watch::Watch;
use super::resources::Resource;
use super::store::Store;

pub(super) use self::authority::Authority;
pub(super) use self::server::serve;

const JSON: &str = "application/json";
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The body of every answer.
type Body = UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// What the API serves, and to whom.
pub(super) struct Api {
    /// The objects.
    pub store: Arc<Store>,
    /// Who may read them.
    pub authority: Authority,
    /// How often a watch that asks for them gets bookmarks.
    pub bookmark_every: Duration,
}

/// What a request is answered with.
enum Answer {
    Json(&'static str, Value),
    Text(&'static str),
    Stream(Box<Watch>),
}

/// Answers one request.
async fn answer<B>(api: Arc<Api>, request: Request<B>) -> Response<Body> {
    let answer = route(&api, &request);
    match answer {
        Ok(Answer::Json(kind, value)) => {
            reply(StatusCode::OK, kind, Bytes::from(value.to_string()))
        }
        Ok(Answer::Text(text)) => reply(
            StatusCode::OK,
            "text/plain; charset=utf-8",
            Bytes::from_static(text.as_bytes()),
        ),
        Ok(Answer::Stream(watch)) => stream(*watch),
        Err(failure) => refuse(failure),
    }
}

fn route<B>(api: &Arc<Api>, request: &Request<B>) -> Result<Answer, Failure> {
    let header = |name| request.headers().get(name)?.to_str().ok();
    let caller = api.authority.authenticate(header(AUTHORIZATION))?;
    let shape = Shape::accepted(header(ACCEPT).unwrap_or_default());
    let path = request.uri().path();
    let target = Target::of(path);
    if let Target::Objects {
        resource,
        namespace,
        name,
    } = target
    {
        let options = Options::parse(request.uri().query().unwrap_or_default())?;
        let asked = Asked {
            resource,
            namespace,
            name,
            options,
            shape,
        };
        return objects(api, caller, asked, request.method());
    }
    Authority::permit_path(caller, path)?;
    let aggregated = shape == Shape::Discovery;
    Ok(match target {
        Target::Version => Answer::Json(JSON, discovery::version()),
        Target::Health => Answer::Text("ok"),
        Target::CoreVersions if aggregated => Answer::Json(AGGREGATED, discovery::aggregated(true)),
        Target::Groups if aggregated => Answer::Json(AGGREGATED, discovery::aggregated(false)),
        Target::CoreVersions => Answer::Json(JSON, discovery::core_versions()),
        Target::Groups => Answer::Json(JSON, discovery::groups()),
        Target::Group(name) => Answer::Json(JSON, discovery::group(&name)?),
        Target::Resources(group, version) => {
            Answer::Json(JSON, discovery::resources(&group, &version)?)
        }
        Target::Unknown | Target::Objects { .. } => return Err(status::no_such_path()),
    })
}

/// A request for objects.
struct Asked {
    resource: &'static Resource,
    namespace: Option<String>,
    name: Option<String>,
    options: Options,
    shape: Shape,
}

fn objects(
    api: &Arc<Api>,
    caller: Caller,
    mut asked: Asked,
    method: &Method,
) -> Result<Answer, Failure> {
    let name = asked.name.as_deref();
    let verb = match (name, asked.options.watch) {
        (Some(_), false) => "get",
        (_, true) => "watch",
        (None, false) => "list",
    };
    // Reading one namespace is, to the authorizer, reading in that namespace.
    let place = if asked.resource.plural == "namespaces" {
        name.or(asked.namespace.as_deref())
    } else {
        asked.namespace.as_deref()
    };
    api.authority
        .permit(caller, verb, asked.resource, place, name)?;
    if method != Method::GET && method != Method::HEAD {
        return Err(status::read_only());
    }
    if verb == "get" {
        let name = asked.name.take().unwrap_or_default();
        let namespace = asked.namespace.as_deref();
        let object = list::get(&api.store, asked.resource, namespace, &name, asked.shape)?;
        return Ok(Answer::Json(JSON, object));
    }
    let Asked {
        resource,
        namespace,
        options,
        shape,
        ..
    } = asked;
    let filter = Filter::new(resource, namespace, &options)?;
    if verb == "watch" {
        let watch = Watch::new(Arc::clone(api), resource, filter, &options, shape)?;
        return Ok(Answer::Stream(Box::new(watch)));
    }
    let list = list::list(&api.store, resource, &filter, &options, shape)?;
    Ok(Answer::Json(JSON, list))
}

fn refuse(failure: Failure) -> Response<Body> {
    let code = StatusCode::from_u16(failure.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match failure.status {
        Some(status) => reply(code, JSON, Bytes::from(format!("{status}\n"))),
        None => reply(
            code,
            "text/plain; charset=utf-8",
            Bytes::from_static(b"404 page not found\n"),
        ),
    };
    if let Some(seconds) = failure.retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

fn reply(code: StatusCode, kind: &'static str, body: Bytes) -> Response<Body> {
    with_headers(code, kind, Full::new(body).boxed_unsync())
}

fn stream(watch: Watch) -> Response<Body> {
    let lines = futures::stream::unfold(watch, |mut watch| async move {
        let line = watch.next().await?;
        Some((Ok(Frame::data(line)), watch))
    });
    with_headers(StatusCode::OK, JSON, StreamBody::new(lines).boxed_unsync())
}

fn with_headers(code: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    headers.insert(
        CACHE_CONTROL,
        hyper::header::HeaderValue::from_static("no-cache, private"),
    );
    response
}
