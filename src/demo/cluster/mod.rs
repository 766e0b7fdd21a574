//! The demo cluster: tables of what it has, a small state that moves, and pure functions that write it as API objects.
//!
//! It knows neither HTTP nor SSH. `State` is changed by the steps of the script; `render` turns it into every object the API
//! serves, and the store works out what changed.

mod catalogue;
mod clock;
mod metallb;
mod objects;
mod script;
mod services;
mod slices;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use super::store::Key;

pub(super) use catalogue::{App, NODES, workload_of};
pub(super) use clock::now;
pub(super) use script::Script;
pub(super) use state::State;

/// Every object of the cluster in this state.
pub(super) fn render(state: &State) -> BTreeMap<Key, Value> {
    let mut all = BTreeMap::new();
    objects::render(state, &mut all);
    slices::render(state, &mut all);
    metallb::render(state, &mut all);
    all
}

/// How long ago this was, which an object of the cluster says of itself; 0 if it is no time.
pub(super) fn age_seconds(created: &str) -> i64 {
    clock::parse(created).map_or(0, |at| now() - at)
}
