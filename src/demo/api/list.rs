//! LIST and GET, with paging and the meaning of resource versions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::present;
use super::request::{Options, Shape};
use super::selector::Filter;
use super::status::{self, Failure};
use crate::demo::resources::Resource;
use crate::demo::store::{Key, Object, Objects, Store};

/// One object.
pub(super) fn get(
    store: &Store,
    resource: &'static Resource,
    namespace: Option<&str>,
    name: &str,
    shape: Shape,
) -> Result<Value, Failure> {
    let (_, objects) = store.now();
    let key = Key::new(resource.plural, namespace.unwrap_or(""), name);
    let object = objects
        .get(&key)
        .ok_or_else(|| status::not_found(resource, name))?;
    Ok(present::single(resource, shape, object, object.version))
}

/// Where a list starts, and in which state.
struct Start {
    version: u64,
    objects: Objects,
    after: Option<Key>,
}

/// A page of a list.
pub(super) fn list(
    store: &Store,
    resource: &'static Resource,
    filter: &Filter,
    options: &Options,
    shape: Shape,
) -> Result<Value, Failure> {
    let start = if options.continued.is_empty() {
        first_page(store, options)?
    } else {
        next_page(store, filter, &options.continued)?
    };
    let matching: Vec<(&Key, &std::sync::Arc<Object>)> = start
        .objects
        .range(start.after.clone().unwrap_or_else(|| filter.first_key())..)
        .skip_while(|(key, _)| Some(*key) == start.after.as_ref())
        .take_while(|(key, _)| key.resource == resource.plural)
        .filter(|(key, object)| filter.matches(key, object))
        .collect();
    let page = options.limit.unwrap_or(matching.len()).min(matching.len());
    let items: Vec<Value> = matching[..page]
        .iter()
        .map(|(_, object)| present::whole(resource, object, object.version))
        .collect();
    let mut metadata = json!({"resourceVersion": start.version.to_string()});
    if let (true, Some((last, _))) = (page < matching.len(), matching[..page].last()) {
        metadata["continue"] = json!(token(start.version.cast_signed(), last));
        if filter.selects_all() {
            metadata["remainingItemCount"] = json!(matching.len() - page);
        }
    }
    Ok(present::list(resource, shape, &items, &metadata))
}

fn first_page(store: &Store, options: &Options) -> Result<Start, Failure> {
    let (version, objects) = store.now();
    let latest = Start {
        version,
        objects,
        after: None,
    };
    let asked = options.version.unwrap_or(0);
    if asked > version {
        return Err(status::future_version(asked, version));
    }
    // A version with a limit and no match is an exact one, too, for clients of old.
    let exact = options.version_match == "Exact"
        || (options.version_match.is_empty() && options.limit.is_some());
    if asked == 0 || !exact {
        return Ok(latest);
    }
    let objects = store.at(asked).map_err(|_expired| status::expired_list())?;
    Ok(Start {
        version: asked,
        objects,
        after: None,
    })
}

fn next_page(store: &Store, filter: &Filter, text: &str) -> Result<Start, Failure> {
    let (version, after) = read_token(filter, text)?;
    let (now, objects) = store.now();
    let Ok(version) = u64::try_from(version) else {
        return Ok(Start {
            version: now,
            objects,
            after: Some(after),
        });
    };
    let objects = store
        .at(version)
        .map_err(|_expired| status::expired_continue(&token(-1, &after)))?;
    Ok(Start {
        version,
        objects,
        after: Some(after),
    })
}

/// The token after `last`; a negative version means the state of whenever it is used.
fn token(version: i64, last: &Key) -> String {
    let start = format!("{}/{}\0", last.namespace, last.name);
    let inner = json!({"v": "meta.k8s.io/v1", "rv": version, "start": start});
    URL_SAFE_NO_PAD.encode(inner.to_string())
}

fn read_token(filter: &Filter, text: &str) -> Result<(i64, Key), Failure> {
    let bad = |what: &str| {
        status::bad_request(&format!(
            "invalid continue token: continue key is not valid: {what}"
        ))
    };
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|error| bad(&format!("illegal base64 data: {error}")))?;
    let inner: Value = serde_json::from_slice(&bytes).map_err(|_syntax| {
        let first = bytes.first().copied().unwrap_or(b' ');
        let shown = if first.is_ascii_graphic() {
            char::from(first).to_string()
        } else {
            format!("\\u{first:04x}")
        };
        bad(&format!(
            "invalid character '{shown}' looking for beginning of value"
        ))
    })?;
    let start = inner["start"].as_str().unwrap_or_default();
    let (namespace, name) = start
        .trim_end_matches('\0')
        .split_once('/')
        .ok_or_else(|| bad("there is no '/'"))?;
    let mut after = filter.first_key();
    namespace.clone_into(&mut after.namespace);
    name.clone_into(&mut after.name);
    Ok((inner["rv"].as_i64().unwrap_or(-1), after))
}
