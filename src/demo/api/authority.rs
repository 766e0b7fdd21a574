//! Who may read what: a token, and rules that a test can tighten while clients are connected.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::status::{self, Denied, Failure};
use crate::demo::resources::Resource;

/// The user the token stands for.
const USER: &str = "demo";
const ANONYMOUS: &str = "system:anonymous";

/// What anybody may read, signed in or not.
const PUBLIC: [&str; 4] = ["/version", "/healthz", "/livez", "/readyz"];

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Without credentials.
    Anonymous,
    /// With the demo's token.
    Demo,
}

impl Caller {
    /// The name in messages.
    pub(super) const fn user(self) -> &'static str {
        match self {
            Self::Anonymous => ANONYMOUS,
            Self::Demo => USER,
        }
    }
}

#[derive(Debug, Default)]
struct Rules {
    revoked: bool,
    forbidden: BTreeSet<String>,
    confined: Option<String>,
}

/// The token and the rules.
pub(in crate::demo) struct Authority {
    token: String,
    rules: Mutex<Rules>,
}

impl Authority {
    /// An authority that knows this token and permits its holder to read everything.
    pub(in crate::demo) fn new(token: String) -> Self {
        Self {
            token,
            rules: Mutex::default(),
        }
    }

    /// Makes the token worthless, or good again.
    pub(in crate::demo) fn revoke(&self, revoked: bool) {
        self.rules().revoked = revoked;
    }

    /// Forbids a resource by its plural name, or permits it again.
    pub(in crate::demo) fn forbid(&self, plural: &str, forbidden: bool) {
        let mut rules = self.rules();
        if forbidden {
            rules.forbidden.insert(plural.to_owned());
        } else {
            rules.forbidden.remove(plural);
        }
    }

    /// Confines the user to one namespace, or to none.
    pub(in crate::demo) fn confine(&self, namespace: Option<&str>) {
        self.rules().confined = namespace.map(str::to_owned);
    }

    /// Who comes with this `Authorization` header.
    pub(super) fn authenticate(&self, header: Option<&str>) -> Result<Caller, Failure> {
        let Some(header) = header else {
            return Ok(Caller::Anonymous);
        };
        let token = header.strip_prefix("Bearer ").unwrap_or_default();
        if token == self.token && !self.rules().revoked {
            Ok(Caller::Demo)
        } else {
            Err(status::unauthorized())
        }
    }

    /// Whether the caller may read a path that is no resource.
    pub(super) fn permit_path(caller: Caller, path: &str) -> Result<(), Failure> {
        if caller == Caller::Demo || PUBLIC.contains(&path) {
            Ok(())
        } else {
            Err(status::forbidden_path(caller.user(), path))
        }
    }

    /// Whether the caller may do this to a resource.
    pub(super) fn permit(
        &self,
        caller: Caller,
        verb: &str,
        resource: &Resource,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> Result<(), Failure> {
        let rules = self.rules();
        let inside = rules
            .confined
            .as_deref()
            .is_none_or(|only| namespace == Some(only));
        if caller == Caller::Demo && inside && !rules.forbidden.contains(resource.plural) {
            return Ok(());
        }
        Err(status::forbidden(&Denied {
            user: caller.user(),
            verb,
            resource,
            namespace,
            name,
        }))
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
