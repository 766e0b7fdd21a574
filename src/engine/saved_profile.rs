//! From a host as it was saved to the profile that is dialled: ssh_config fills in what was not said.

use std::sync::Arc;

use imbl::OrdMap;

use crate::model::{HostId, HostProfile, SavedHost, Words, words};
use crate::ssh::config::{self, Argument, Environment, LocalSystem, Query};

/// More saved hosts than this on one way are a mistake, likely a circle.
const MAX_HOPS: usize = 16;

pub(super) type SavedHosts = OrdMap<HostId, Arc<SavedHost>>;

/// The profile of a saved host, by ssh_config as it is now. A host on the way that is saved itself is taken as it was saved.
pub(super) fn profile_of(host: &SavedHost, all: &SavedHosts) -> Result<HostProfile, Words> {
    profile_at(host, all, 0)
}

fn profile_at(host: &SavedHost, all: &SavedHosts, depth: usize) -> Result<HostProfile, Words> {
    if depth >= MAX_HOPS {
        return Err(words!("its jump hosts lead in a circle"));
    }
    let saved_jump = |name: &String| all.get(&HostId::new(name));
    let via_saved = host.jumps.iter().any(|name| saved_jump(name).is_some());
    let mut arguments: Vec<Argument> = Vec::new();
    arguments.extend(host.user.clone().map(Argument::User));
    arguments.extend(host.port.map(|port| Argument::Port(port.to_string())));
    for path in &host.identities {
        let text = path
            .to_str()
            .ok_or_else(|| words!("the path of a key is not UTF-8"))?;
        arguments.push(Argument::Identity(text.replace('%', "%%")));
    }
    if via_saved {
        arguments.push(Argument::Jump("none".to_owned()));
    } else if !host.jumps.is_empty() {
        arguments.push(Argument::Jump(host.jumps.join(",")));
    }
    arguments.extend(host.options.iter().cloned().map(Argument::Option));
    let query = Query {
        host: host.address.clone(),
        ..Query::default()
    };
    let mut profile = resolve(&query.with(arguments))?;
    profile.id = host.id.clone();
    if via_saved {
        for name in &host.jumps {
            let mut hop = match saved_jump(name) {
                Some(saved) => profile_at(saved, all, depth + 1)?,
                None => {
                    resolve(&Query::new(&format!("ssh://{name}")).map_err(|error| error.words())?)?
                }
            };
            // As with `ssh`, the way to the first of them is its own matter, and leads over it to the others.
            let before = std::mem::take(&mut hop.jumps);
            if profile.jumps.is_empty() {
                profile.jumps = before;
            }
            profile.jumps.push(hop);
        }
    }
    Ok(profile)
}

fn resolve(query: &Query) -> Result<HostProfile, Words> {
    let environment = Environment::of_this_computer();
    let mut system = LocalSystem;
    config::resolve(query, &environment, &mut system)
        .and_then(|resolved| config::profile(&resolved, &environment, &mut system))
        .map_err(|error| error.words())
}
